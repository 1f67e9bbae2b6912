/** A sample of the training's own data as a tensorfile: the work of `tlt-int8-tensorfile` and of the tensorfile pod. */

import { type Loader, openLoader } from '../../data/datasets/loader.ts';
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import type { Batch } from '../../data/preprocessing/batches.ts';
import { fillTensorfile, writeTensorfile } from '../../formats/hdf5/tensorfile-writer.ts';
import type { UserError } from '../../ground/base/errors.ts';
import type { Watch } from './export.ts';

export type SampleRequest = {
  readonly seed: number;
  readonly useValidationSet: boolean;
  /** As many as are wanted; each has the training's batch size. */
  readonly maxBatches: number;
  /** Share of the images wanted, 0…1, that may be broken. */
  readonly maxBroken: number;
  /** What relative paths of the plan lie below; the current folder if undefined. */
  readonly dataRoot: string | undefined;
  /** Gets a sentence for each image that is left out. */
  readonly warn: (message: string) => void;
};

/** Reads names alone; images are read as they are written. @throws UserError InputNotFound, DatasetInvalid, TooFewImages */
export const openSample = (plan: LoaderPlan, request: SampleRequest): Promise<Loader> => {
  const { seed, useValidationSet, maxBatches: batches, maxBroken: share, dataRoot, warn } = request;
  return openLoader(plan, {
    seed,
    batches,
    set: useValidationSet ? 'validation' : 'training',
    errorBudget: { share, onBroken: ({ message }: UserError) => warn(`Skipped: ${message}`) },
    ...(dataRoot !== undefined && { dataRoot }),
  });
};

/** @throws UserError ImageInvalid, DatasetInvalid, OutputExists, OutputUnwritable, DiskFull, and why it was stopped */
export const writeSample = async (path: string, loader: Loader, watch: Watch): Promise<void> => {
  await writeTensorfile(path, reportProgress(loader, watch));
};

/** The same into an empty file that its caller names later. @throws as `writeSample` */
export const fillSample = async (
  place: string,
  { path, loader }: { readonly path: string; readonly loader: Loader },
  watch: Watch,
): Promise<void> => {
  await fillTensorfile(place, path, reportProgress(loader, watch));
};

/** The same batches, told of as they go by, and stopped between two of them. */
async function* reportProgress(
  { batches, images }: Loader,
  { progress, signal }: Watch,
): AsyncGenerator<Batch> {
  let done = 0;
  for await (const batch of batches) {
    signal.throwIfAborted();
    yield batch;
    done += batch.paths.length;
    progress(done, images);
  }
}
