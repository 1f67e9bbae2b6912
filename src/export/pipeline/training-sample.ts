/** Writes a sample of the training data to a tensorfile, for `tlt-int8-tensorfile` and the tensorfile pod. */

import { type Loader, openLoader } from '../../data/datasets/loader.ts';
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import type { Batch } from '../../data/preprocessing/batches.ts';
import { fillTensorfile, writeTensorfile } from '../../formats/hdf5/tensorfile-writer.ts';
import type { UserError } from '../../ground/base/errors.ts';
import type { Watch } from './export.ts';

/** Which sample to draw. */
export type SampleRequest = {
  readonly seed: number;
  readonly useValidationSet: boolean;
  /** Maximum number of batches, each with the training's batch size. */
  readonly maxBatches: number;
  /** Fraction of the requested images, 0…1, that may fail to decode. */
  readonly maxBroken: number;
  /** Folder of the plan's relative paths; the current folder if undefined. */
  readonly dataRoot: string | undefined;
  /** Receives a message for each skipped image. */
  readonly warn: (message: string) => void;
};

/**
 * Lists the images; reads them only when they are written. @throws UserError InputNotFound, DatasetInvalid,
 * TooFewImages
 */
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

/**
 * @throws UserError ImageInvalid, DatasetInvalid, OutputExists, OutputUnwritable, DiskFull; the signal's reason if
 * aborted
 */
export const writeSample = async (path: string, loader: Loader, watch: Watch): Promise<void> => {
  await writeTensorfile(path, reportProgress(loader, watch));
};

/** Writes the sample into an empty file, which the caller renames to `path`. @throws UserError as `writeSample` */
export const fillSample = async (
  place: string,
  { path, loader }: { readonly path: string; readonly loader: Loader },
  watch: Watch,
): Promise<void> => {
  await fillTensorfile(place, path, reportProgress(loader, watch));
};

/** Passes the batches through, reports progress, and stops between two batches on a signal. */
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
