/** Histogram files of a model: written after a pass, and reused for thresholds without a pass. */

import { Histogram } from '../../calibration/histograms/histogram.ts';
import type { Statistics } from '../../calibration/histograms/statistics.ts';
import { deriveStatistics } from '../../calibration/pass/calibrate.ts';
import { sampleImages } from '../../data/preprocessing/image-list.ts';
import { wholeSample } from '../../data/preprocessing/sample-part.ts';
import { folderImages } from '../../data/preprocessing/sampled-image.ts';
import {
  type CountedSample,
  type HistogramFile,
  parseHistogramFile,
  writeHistogramFile,
} from '../../formats/scales/histogram-file.ts';
import { canonicalJson, sha256 } from '../../ground/base/digest.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { type CalibrationSource, digestOfSource, pixelsOf } from './calibration-source.ts';
import { findGaps, gapsText } from './coverage.ts';
import {
  buildCache,
  type CacheOptions,
  type Calibrated,
  type CalibrationRequest,
  type Measurement,
  mostShown,
  type SeenImages,
} from './export.ts';
import { selectHeldOut } from './verify-int8.ts';

/** Reads a histogram file. @throws UserError InputNotFound, HistogramsInvalid naming the file */
export const readHistograms = async (path: string): Promise<HistogramFile> => {
  const bytes = bytesOf(path);
  try {
    return parseHistogramFile(bytes);
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    throw new UserError(thrown.reason, `${path}: ${thrown.message}`, { cause: thrown });
  }
};

const bytesOf = (path: string): Uint8Array => {
  try {
    return readRegular(path, 'histogramBytes');
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError('InputNotFound', `Reading ${path}: ${messageOf(thrown)}. Check the path.`, {
      cause: thrown,
    });
  }
};

/** The bytes of a histogram file with the counts of a pass. */
export const histogramBytes = async (
  opened: OpenedModel,
  { counted, consumed }: Pick<Measurement, 'counted' | 'consumed'>,
  request: CalibrationRequest,
): Promise<Uint8Array> => {
  const sample = {
    ...(await sampleOf(opened, request)),
    ...(request.part ?? wholeSample),
    images: counted.images,
    consumed,
  };
  return writeHistogramFile({
    modelSha256: sha256(opened.payload),
    samples: [sample],
    histograms: counted.histograms,
  });
};

type Sampling = Pick<CalibrationRequest, 'batches' | 'batchSize' | 'seed'>;
type SampleRequest = Sampling & { readonly source: CalibrationSource };
/** A sample, as histogram files record it. */
export type Sample = Pick<CountedSample, 'dataSha256' | 'seed' | 'drawn'>;

/** Identifies a sample by the digest of its data and preprocessing, and by how it was drawn. */
export const sampleOf = async (
  { preprocessing }: OpenedModel,
  { source, batches, batchSize, seed }: SampleRequest,
): Promise<Sample> => {
  const digest = await digestOfSource(source, { batches, batchSize, seed });
  const made = source.kind === 'Loader' ? source.plan : preprocessing;
  const dataSha256 = source.kind === 'Tensorfile' ? digest : sha256(canonicalJson([digest, made]));
  return { dataSha256, seed, drawn: batches * batchSize };
};

/** Whether the file counted exactly this sample, possibly in parts. */
export const isOfSample = ({ samples }: Pick<HistogramFile, 'samples'>, wanted: Sample): boolean =>
  samples.every(
    ({ dataSha256, seed, drawn }) =>
      dataSha256 === wanted.dataSha256 && seed === wanted.seed && drawn === wanted.drawn,
  );

/** Whether a file counted the sample that would be drawn from these data, possibly in parts. */
export const isCountedFrom = async (
  opened: OpenedModel,
  content: HistogramFile,
  drawing: SampleRequest,
): Promise<boolean> => isOfSample(content, await sampleOf(opened, drawing));

/** Whether the file equals what calibrating this model on all of these data would produce. */
export const isSameCalibration = async (
  opened: OpenedModel,
  content: HistogramFile,
  drawing: SampleRequest,
): Promise<boolean> =>
  content.modelSha256 === sha256(opened.payload) &&
  content.samples.every(({ of }) => of === 1) &&
  (await isCountedFrom(opened, content, drawing));

/** How to use a histogram file. */
export type Reuse = Sampling &
  CacheOptions & {
    /** Path or URI of the file. */
    readonly path: string;
    /** Where the images were drawn from; undefined if unknown. */
    readonly source: CalibrationSource | undefined;
  };

/**
 * Builds a cache from existing counts. @throws UserError HistogramsInvalid for those of another model, CacheIncomplete
 */
export const calibrateFromHistograms = async (
  opened: OpenedModel,
  content: HistogramFile,
  reuse: Reuse,
): Promise<Calibrated> => {
  requireModel(opened, content, reuse.path);
  const { samples, histograms } = content;
  const counted = {
    histograms: new Map([...histograms].map(([name, each]) => [name, new Histogram(each, each)])),
    images: samples.reduce((sum, { images }) => sum + images, 0),
  };
  const statistics = deriveStatistics(opened.model, counted);
  requireTensors(opened, statistics, reuse.path);
  return buildCache(opened, { statistics, ...(await imagesOf(opened, samples, reuse)) }, reuse);
};

const requireModel = ({ payload }: OpenedModel, { modelSha256 }: HistogramFile, path: string): void => {
  const digest = sha256(payload);
  if (modelSha256 === digest) return;
  throw new UserError(
    'HistogramsInvalid',
    `Using the histograms ${path}: they belong to the model ${modelSha256.slice(0, 12)}…, and this model is ${digest.slice(0, 12)}…. Choose another file with ${field('histograms')}, or remove this one to calibrate again.`,
  );
};

/** Another version of this program may have measured other tensors. */
const requireTensors = (opened: OpenedModel, { histograms }: Statistics, path: string): void => {
  const gaps = findGaps(opened, { has: (name) => histograms.has(name) });
  const missing = gaps.filter(({ isExcused }) => !isExcused);
  if (missing.length === 0) return;
  throw new UserError(
    'HistogramsInvalid',
    `Using the histograms ${path}: ${missing.length} required tensors are not in it (${gapsText(missing)}). Remove it to calibrate again.`,
  );
};

/** Counted and held-out images, if the folder they were drawn from is available. */
const imagesOf = async (
  opened: OpenedModel,
  samples: readonly CountedSample[],
  { source, batches, batchSize, seed }: Reuse,
): Promise<SeenImages> => {
  const { preprocessing } = opened;
  const unknown = { shown: [], heldOut: [], preprocessing };
  if (source?.kind !== 'Images') return unknown;
  const sampling = { batches, batchSize, seed };
  if (!isOfSample({ samples }, await sampleOf(opened, { source, ...sampling }))) return unknown;
  const { chosen, heldOut } = await sampleImages(source.folder, sampling);
  const pixels = pixelsOf(opened);
  const consumed = Math.max(...samples.map(({ consumed: left }) => left));
  // If broken images were skipped, it is unknown which.
  const counted = consumed === 0 ? chosen.slice(0, mostShown) : [];
  const shown = await Promise.all(
    folderImages(counted, pixels).map(async ({ path, load }) => ({ path, data: await load() })),
  );
  return {
    shown,
    preprocessing,
    heldOut: await selectHeldOut(opened, folderImages(heldOut.slice(consumed), pixels), undefined),
  };
};
