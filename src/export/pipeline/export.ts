/** Calibration of an opened model, and the bytes of its artifacts: cache, verification tensor, `.etlt`. */

import { type Statistics, scalesOf } from '../../calibration/histograms/statistics.ts';
import { isSearch } from '../../calibration/histograms/thresholds.ts';
import { type CollectedStatistics, collect } from '../../calibration/pass/calibrate.ts';
import { type Batch, sampledBatches } from '../../data/preprocessing/batches.ts';
import type { ErrorBudget } from '../../data/preprocessing/decodable-images.ts';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import { countPart, type SamplePart, wholeSample } from '../../data/preprocessing/sample-part.ts';
import type { DecodedImage, SampledImage } from '../../data/preprocessing/sampled-image.ts';
import { type Chunks, type EncryptOptions, encryptEtlt } from '../../formats/crypto/encrypted-model.ts';
import { tensorFromFloats } from '../../formats/onnx/tensor.ts';
import { serializeTensor } from '../../formats/onnx/tensor-file.ts';
import { tensorRtVersionNumber, writeCalibrationCache } from '../../formats/scales/calibration-cache.ts';
import { removeFloatScales } from '../../graph/precision/float-layers.ts';
import { listScaledTensors, requireFinite } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import { readableBytes } from '../../ground/base/readable.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import type { ReportProgress } from '../../ground/contract/progress.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { type CalibrationSource, openSource } from './calibration-source.ts';
import { requireCoverage } from './coverage.ts';
import { selectHeldOut } from './verify-int8.ts';

/** What to calibrate with, and how. */
export type CalibrationRequest = {
  readonly source: CalibrationSource;
  readonly batches: number;
  readonly batchSize: number;
  readonly algorithm: Algorithm;
  readonly seed: number;
  /** Version of the TensorRT that will read the cache. */
  readonly tensorRtVersion: string;
  /** Broken images that are tolerated; none if undefined. */
  readonly errorBudget?: ErrorBudget;
  /** Part of the sample to count; all of it if undefined. */
  readonly part?: SamplePart;
  /** Patterns of layers kept in float, see `findFloatLayers`; none if undefined. */
  readonly keepFloat?: readonly string[];
  /** Whether a report needs the thresholds of every method; no if undefined. */
  readonly reported?: boolean;
};

/** Images kept after the pass. */
export type SeenImages = {
  /** A few calibration images for the report, and their preprocessing if known. */
  readonly shown: readonly DecodedImage[];
  readonly preprocessing: Preprocessing | undefined;
  /** Held-out images, as many as are compared. */
  readonly heldOut: readonly SampledImage[];
};

/** Result of a calibration. */
export type Calibrated = SeenImages & {
  /** The cache's text. */
  readonly cache: string;
  readonly scales: ReadonlyMap<string, number>;
  readonly statistics: Statistics;
};

/** How a caller observes and stops long work. */
export type Watch = {
  readonly progress: ReportProgress;
  readonly signal: AbortSignal;
};

/** Images per run of the network; more cost memory and save no time on a CPU. */
const microBatch = 4;

/** @throws UserError ModelUnsupported if a fixed batch does not divide the number of images */
const chooseMicroBatch = ({ fixedBatch }: OpenedModel, images: number): number => {
  if (fixedBatch === undefined) return microBatch;
  if (images % fixedBatch === 0) return fixedBatch;
  throw new UserError(
    'ModelUnsupported',
    `Calibrating: the graph has a fixed batch of ${fixedBatch}, which does not divide ${images} images. Choose batches × batch_size as a multiple of it, or export the model with a free batch.`,
  );
};

/** Result of a pass over the images. Thresholds of any method follow from it. */
export type Measurement = SeenImages &
  CollectedStatistics & {
    /** See `OpenedSource.consumed`. */
    readonly consumed: number;
  };

/** What a cache depends on besides the counts. */
export type CacheOptions = Pick<CalibrationRequest, 'algorithm' | 'tensorRtVersion' | 'keepFloat'>;

type Request = { readonly request: CalibrationRequest; readonly watch: Watch };

/**
 * Runs the pass and builds the cache.
 * @throws UserError TooFewImages, ImageInvalid, TensorfileInvalid, InputNotFound, CalibrationFailed
 */
export const calibrate = async (opened: OpenedModel, asked: Request): Promise<Calibrated> =>
  buildCache(opened, await measure(opened, asked), asked.request);

/** Builds the calibration cache from counts; reads no images. */
export const buildCache = (
  opened: OpenedModel,
  { statistics, shown, preprocessing, heldOut }: Omit<Measurement, 'counted' | 'consumed'>,
  { algorithm, tensorRtVersion, keepFloat }: CacheOptions,
): Calibrated => {
  const { model } = opened;
  requireFinite(listScaledTensors(model, keepFloat ?? []), statistics.infinite);
  const scales = removeFloatScales(model, scalesOf(statistics, algorithm), keepFloat);
  requireCoverage(opened, { has: (name) => scales.has(name), keepFloat });
  // trtexec, tao-deploy and DLA read only caches of this calibrator, whatever method chose the thresholds.
  const cache = writeCalibrationCache({
    version: tensorRtVersionNumber(tensorRtVersion),
    algorithmWord: 'EntropyCalibration2',
    scales,
  });
  return { cache, scales, statistics, shown, preprocessing, heldOut };
};

/** Runs the pass over the images, or over a part of them. @throws UserError as `calibrate` */
export const measure = async (opened: OpenedModel, { request, watch }: Request): Promise<Measurement> => {
  const total = request.batches * request.batchSize;
  const rows = chooseMicroBatch(opened, total);
  const images = countPart(total, request.part ?? wholeSample, opened.fixedBatch);
  const { batches, heldOut, consumed, preprocessing } = await openSource(opened, {
    ...request,
    rows,
    signal: watch.signal,
  });
  const shown: DecodedImage[] = [];
  const collected = await collect({
    model: opened.model,
    input: opened.input,
    shape: [opened.fixedBatch ?? 1, opened.channels, opened.height, opened.width],
    batches: preprocessing ? collectShown(batches, shown) : batches,
    progress: (done) => watch.progress(done, images),
    choosing: needsThresholds(request),
    keepFloat: request.keepFloat,
    signal: watch.signal,
  });
  const some = await selectHeldOut(opened, heldOut(), request.errorBudget);
  return { ...collected, shown, preprocessing, heldOut: some, consumed: consumed() };
};

/** Whether the pass also searches thresholds. A part is only counted; the fast methods are computed on demand. */
const needsThresholds = ({ part, reported, algorithm }: CalibrationRequest): boolean =>
  part === undefined && (reported === true || isSearch(algorithm));

/** Enough images to notice wrong channels or crops. */
export const mostShown = 6;

/** Passes the batches through and adds their first images to `shown`. */
async function* collectShown(batches: AsyncIterable<Batch>, shown: DecodedImage[]): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    const length = batch.data.length / batch.paths.length;
    for (const [index, path] of batch.paths.slice(0, mostShown - shown.length).entries())
      shown.push({ path, data: batch.data.slice(index * length, (index + 1) * length) });
    yield batch;
  }
}

/** Enough images to detect a wrong engine, few enough to store with every export. */
const verificationLimit = { images: 8, bytes: 16 * 2 ** 20 } as const;

/** Number of the first held-out images that verify engines. */
export const countVerified = (
  { channels, height, width }: Pick<OpenedModel, 'channels' | 'height' | 'width'>,
  heldOut: readonly SampledImage[],
): number => {
  const bytesEach = 4 * channels * height * width;
  const fitting = Math.max(1, Math.floor(verificationLimit.bytes / bytesEach));
  return Math.min(verificationLimit.images, fitting, heldOut.length);
};

/** Some held-out images as a serialised ONNX TensorProto [N,C,H,W] float32; undefined if there are none. */
export const makeVerificationTensor = async (
  { input, channels, height, width }: OpenedModel,
  heldOut: readonly SampledImage[],
): Promise<Uint8Array | undefined> => {
  const count = countVerified({ channels, height, width }, heldOut);
  const options = { size: { channels, height, width }, batchSize: Math.max(1, count) };
  for await (const { data, dims } of sampledBatches(heldOut.slice(0, count), options))
    return serializeTensor(tensorFromFloats(input, dims, data));
  return undefined;
};

/** The `.etlt` in chunks: the ONNX file, encrypted with age unless another cipher is given. */
export const encryptOpenedModel = (
  opened: OpenedModel,
  key: string,
  options?: EncryptOptions,
): Promise<Chunks> => encryptEtlt(readableBytes(opened.payload), key, options);
