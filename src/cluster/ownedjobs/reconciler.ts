/**
 * The reconciler of every kind that owns Jobs: observe (caches) → decide (pure) → apply. It is level-triggered:
 * the result does not depend on the event that triggered it, and a second run on the same state changes nothing.
 */
import type { Clock } from '../../ground/base/clock.ts';
import type { Images } from '../jobs/images.ts';
import { earlierRequeue, type Reconcile } from '../runtime/controller.ts';
import type { Key } from '../runtime/resources.ts';
import type { Action, Decision } from './action.ts';
import { type ApplyDeps, apply, makeRefusalLookup, type Owner, type StatusWithConditions } from './apply.ts';

import type { JobStores } from './caches.ts';
import type { ClaimOwner, Claims } from './claims.ts';
import { readFreshPods } from './fresh-pods.ts';
import type { PodObject } from './kube-shapes.ts';
import type { OwnedContext } from './observe-owned.ts';
import { cacheGraceMs } from './own-writes.ts';
import type { Reports } from './reports.ts';
import type { Obstacles } from './start.ts';
import { findStuck } from './stuck.ts';
import type { Warnings } from './warnings.ts';
import { isUnseen } from './watches.ts';

/** What an observation reads. */
export type ObserveContext<Stores> = {
  readonly stores: Stores;
  readonly images: Images;
  /** Milliseconds since the epoch. */
  readonly now: number;
} & Pick<OwnedContext, 'warningsAbout' | 'freshPods' | 'reportOf'> &
  Pick<Obstacles, 'findRefusal' | 'findClaim'>;

/** The functions of one kind. */
export type ReconciledKind<Stores, Observed> = {
  /** The cached object. */
  readonly find: (stores: Stores, key: Key) => ClaimOwner | undefined;
  /** @returns undefined once the object is deleted */
  readonly observe: (key: Key, context: ObserveContext<Stores>) => Observed | undefined;
  /** The object that was observed. */
  readonly ownerOf: (observed: Observed) => Owner;
  /** Must be pure. */
  readonly decide: (observed: Observed) => Decision<StatusWithConditions>;
};

/** What the reconciler of any kind requires. */
export type ReconcilerDeps<Stores> = ApplyDeps & {
  readonly stores: Stores;
  readonly images: Images;
  readonly clock: Clock;
  readonly warnings: Warnings;
  readonly claims: Pick<Claims, 'in' | 'look'>;
  readonly reports: Pick<Reports, 'of'>;
};

/** The reconcile function of a kind. */
export const makeOwnerReconciler =
  <Stores extends JobStores, Observed>(
    { find, observe, ownerOf, decide }: ReconciledKind<Stores, Observed>,
    deps: ReconcilerDeps<Stores>,
  ): Reconcile =>
  async (key, signal) => {
    const { client, stores, images, clock, warnings, claims, reports, refusals, ownWrites } = deps;
    const owner = find(stores, key);
    if (owner && ownWrites.isBehind(key, owner.metadata.resourceVersion))
      return { requeueAfterMs: cacheGraceMs }; // The change that it waits for comes first.
    const lookAgainMs = await warnings.look(key, owner ? findStuck(stores, owner) : [], signal);
    if (owner && !isUnseen(owner)) await claims.look(owner, signal); // The first answer comes first.
    const look = (freshPods: readonly PodObject[] | undefined) => {
      const observed = observe(key, {
        stores,
        images,
        now: clock.now(),
        warningsAbout: (uid) => warnings.about(key, uid),
        freshPods,
        findRefusal: makeRefusalLookup(key, refusals),
        findClaim: claims.in(key.slice(0, key.indexOf('/'))),
        reportOf: (pod) => reports.of(pod),
      });
      return observed && { owner: ownerOf(observed), decision: decide(observed) };
    };
    let decided = look(undefined);
    if (decided?.decision.needsFreshPods) decided = look(await readFreshPods(client, decided.owner, signal));
    if (decided === undefined) return { requeueAfterMs: undefined };
    const { owner: observedOwner, decision } = decided;
    const answer = decision.actions.filter(isAnswer);
    if (isUnseen(observedOwner) && answer.length > 0) {
      await apply({ ...decision, actions: answer }, observedOwner, { deps, signal });
      return { requeueAfterMs: cacheGraceMs }; // The change of the status comes first.
    }
    const againMs = await apply(decision, observedOwner, { deps, signal });
    return { requeueAfterMs: earlierRequeue(againMs, earlierRequeue(decision.requeueAfterMs, lookAgainMs)) };
  };

/**
 * What a user waits for first. Jobs follow once the cache has the status, with the priority of other changes: of a thousand
 * exports that are created at once, each has a status before most of them have a Job.
 */
const isAnswer = ({ kind }: Action<object>): boolean => kind === 'WriteStatus' || kind === 'PublishEvent';
