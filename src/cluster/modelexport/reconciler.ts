/** Level-driven: says nothing of which event woke it, and may run twice on the same state. */
import type { Clock } from '../../ground/base/clock.ts';
import type { Images } from '../jobs/images.ts';
import { type ApplyDeps, apply } from '../ownedjobs/apply.ts';
import type { Reconcile } from '../runtime/controller.ts';
import { decide } from './decide.ts';
import { observe, type Stores } from './observe.ts';

export type ReconcilerDeps = ApplyDeps & {
  readonly stores: Stores;
  readonly images: Images;
  readonly clock: Clock;
};

export const makeReconciler =
  (deps: ReconcilerDeps): Reconcile =>
  async (key, signal) => {
    const observed = observe(key, { stores: deps.stores, images: deps.images, now: deps.clock.now() });
    if (observed === undefined) return { requeueAfterMs: undefined };
    const decision = decide(observed);
    await apply(decision, observed.modelExport, { deps, signal });
    return { requeueAfterMs: decision.requeueAfterMs };
  };
