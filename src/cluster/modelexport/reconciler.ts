/** The level-driven reconciler: it does not depend on the event that triggered it, and may run twice on the same state. */
import type { Clock } from '../../ground/base/clock.ts';
import type { Images } from '../jobs/images.ts';
import { type ApplyDeps, apply, refusalsIn } from '../ownedjobs/apply.ts';
import { stuckOf } from '../ownedjobs/stuck.ts';
import type { Warnings } from '../ownedjobs/warnings.ts';
import { type Reconcile, sooner } from '../runtime/controller.ts';
import { decide } from './decide.ts';
import { observe, type Stores } from './observe.ts';

export type ReconcilerDeps = ApplyDeps & {
  readonly stores: Stores;
  readonly images: Images;
  readonly clock: Clock;
  readonly warnings: Warnings;
};

export const makeReconciler =
  (deps: ReconcilerDeps): Reconcile =>
  async (key, signal) => {
    const { stores, images, clock, warnings, refusals } = deps;
    const modelExport = stores.modelExports.get(key);
    const lookAgainMs = await warnings.look(key, modelExport ? stuckOf(stores, modelExport) : [], signal);
    const warningsAbout = (uid: string) => warnings.about(key, uid);
    const refusalOf = refusalsIn(key, refusals);
    const observed = observe(key, { stores, images, now: clock.now(), warningsAbout, refusalOf });
    if (observed === undefined) return { requeueAfterMs: undefined };
    const decision = decide(observed);
    const againMs = await apply(decision, observed.modelExport, { deps, signal });
    return { requeueAfterMs: sooner(againMs, sooner(decision.requeueAfterMs, lookAgainMs)) };
  };
