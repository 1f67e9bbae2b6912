/** Everything that a decision about one CalibrationTensorfile may see, and where it comes from: the caches. */
import type { CalibrationTensorfile } from '../api/calibration-tensorfile.ts';
import type { Images } from '../jobs/images.ts';
import type { Obstacles } from '../ownedjobs/artifact.ts';
import type { JobStores } from '../ownedjobs/caches.ts';
import { observeOwned } from '../ownedjobs/observe-owned.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import type { ObserveContext } from '../ownedjobs/reconciler.ts';
import { makeTwinLookup } from '../ownedjobs/twins.ts';
import type { Key } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';

export type ObservedTensorfile = {
  readonly tensorfile: CalibrationTensorfile;
  readonly jobs: readonly ObservedJob[];
  readonly images: Images;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly obstacles: Obstacles;
};

export type TensorfileStores = JobStores & { readonly tensorfiles: Store<CalibrationTensorfile> };

/** Undefined once the object is gone. What hardware wrote the file makes no difference, so none is looked up. */
export const observe = (
  key: Key,
  context: ObserveContext<TensorfileStores>,
): ObservedTensorfile | undefined => {
  const { stores, images, now, warningsAbout, findPlanRefusal } = context;
  const tensorfile = stores.tensorfiles.get(key);
  if (tensorfile === undefined) return undefined;
  const jobs = observeOwned(stores, tensorfile, {
    hardwareOf: () => undefined,
    isLost: () => false,
    warningsAbout,
  });
  const obstacles = { findPlanRefusal, findTwin: makeTwinLookup(stores, tensorfile) };
  return { tensorfile, jobs, images, now, obstacles };
};
