/** Observes one CalibrationTensorfile. Sends no request. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { Images } from '../jobs/images.ts';
import type { JobStores } from '../ownedjobs/caches.ts';
import { observeOwned } from '../ownedjobs/observe-owned.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import type { ObserveContext } from '../ownedjobs/reconciler.ts';
import type { Obstacles } from '../ownedjobs/start.ts';
import { makeTwinLookup } from '../ownedjobs/twins.ts';
import type { Key } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';

/** Everything that a decision about one CalibrationTensorfile reads. */
export type ObservedTensorfile = {
  readonly tensorfile: CalibrationTensorfile;
  readonly jobs: readonly ObservedJob[];
  readonly images: Images;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly obstacles: Obstacles;
};

/** The caches that the controller reads. */
export type TensorfileStores = JobStores & { readonly tensorfiles: Store<CalibrationTensorfile> };

/**
 * Everything that a decision reads. The node does not matter: any hardware writes the same file.
 * @returns undefined if the object is deleted
 */
export const observe = (
  key: Key,
  context: ObserveContext<TensorfileStores>,
): ObservedTensorfile | undefined => {
  const { stores, images, now, warningsAbout, freshPods, reportOf, findRefusal, findClaim } = context;
  const tensorfile = stores.tensorfiles.get(key);
  if (tensorfile === undefined) return undefined;
  const jobs = observeOwned(stores, tensorfile, {
    hardwareOf: () => undefined,
    isLost: () => false,
    warningsAbout,
    freshPods,
    reportOf,
  });
  const obstacles = { findRefusal, findClaim, findTwin: makeTwinLookup(stores, tensorfile) };
  return { tensorfile, jobs, images, now, obstacles };
};
