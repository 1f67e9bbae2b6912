/** CalibrationTensorfiles: observe (caches only) → decide (pure) → apply. Level-driven: may run twice on the same state. */

import type { Clock } from '../../ground/base/clock.ts';
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import { exportGroup, kinds } from '../api/group.ts';
import type { Images } from '../jobs/images.ts';
import { type ApplyDeps, apply, refusalsIn } from '../ownedjobs/apply.ts';
import { projectOwner, type Scope } from '../ownedjobs/caches.ts';
import { stuckOf } from '../ownedjobs/stuck.ts';
import type { Warnings } from '../ownedjobs/warnings.ts';
import { type Reconcile, sooner } from '../runtime/controller.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import { decide } from './decide.ts';
import { observe, type Stores } from './observed.ts';

export const tensorfileResource = { ...exportGroup, plural: kinds.CalibrationTensorfile.plural } as const;

export const tensorfileCache = (
  scope: Scope,
  onChange: (change: Change<CalibrationTensorfile>) => void,
): InformerOptions<CalibrationTensorfile> => ({
  ...scope,
  resource: tensorfileResource,
  project: (raw) => projectOwner(raw as CalibrationTensorfile),
  onChange,
});

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
    const tensorfile = stores.tensorfiles.get(key);
    const lookAgainMs = await warnings.look(key, tensorfile ? stuckOf(stores, tensorfile) : [], signal);
    const warningsAbout = (uid: string) => warnings.about(key, uid);
    const refusalOf = refusalsIn(key, refusals);
    const observed = observe(key, { stores, images, now: clock.now(), warningsAbout, refusalOf });
    if (observed === undefined) return { requeueAfterMs: undefined };
    const decision = decide(observed);
    const againMs = await apply(decision, observed.tensorfile, { deps, signal });
    return { requeueAfterMs: sooner(againMs, sooner(decision.requeueAfterMs, lookAgainMs)) };
  };
