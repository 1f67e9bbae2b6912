/** The export itself: a model and calibration images in, the bytes of every artifact out. Writes nothing. */

import { type Statistics, scalesOf } from '../../calibration/histograms/statistics.ts';
import { isSearch } from '../../calibration/histograms/thresholds.ts';
import { type CollectedStatistics, collect } from '../../calibration/pass/calibrate.ts';
import { type Batch, sampledBatches } from '../../data/preprocessing/batches.ts';
import type { DecodedImage, ErrorBudget } from '../../data/preprocessing/decodable-images.ts';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import { countPart, type SamplePart, wholeSample } from '../../data/preprocessing/sample-part.ts';
import type { SampledImage } from '../../data/preprocessing/sampled-image.ts';
import { type Chunks, type EncryptOptions, encryptEtlt } from '../../formats/crypto/encrypted-model.ts';
import { tensorFromFloats } from '../../formats/onnx/tensor.ts';
import { serializeTensor } from '../../formats/onnx/tensor-file.ts';
import { tensorRtVersionNumber, writeCalibrationCache } from '../../formats/scales/calibration-cache.ts';
import { removeFloatScales } from '../../graph/precision/float-layers.ts';
import { listScaledTensors, requireFinite } from '../../graph/precision/scaled-tensors.ts';
import { UserError } from '../../ground/base/errors.ts';
import { readableBytes } from '../../ground/base/readable.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { type CalibrationSource, openSource } from './calibration-source.ts';
import { requireCoverage } from './coverage.ts';
import { selectHeldOut } from './verify-int8.ts';

export type CalibrationRequest = {
  readonly source: CalibrationSource;
  readonly batches: number;
  readonly batchSize: number;
  readonly algorithm: Algorithm;
  readonly seed: number;
  /** Version of the TensorRT that will read the cache. */
  readonly tensorRtVersion: string;
  /** Broken images that are put up with; none if undefined. */
  readonly errorBudget?: ErrorBudget;
  /** Of the sample; all of it if undefined. */
  readonly part?: SamplePart;
  /** Layers that stay float, as `floatLayers` takes them; none if undefined. */
  readonly keepFloat?: readonly string[];
  /** Whether a report will say what every method would have chosen; it will not, if undefined. */
  readonly reported?: boolean;
};

/** What is left of the images when the pass is over. */
export type SeenImages = {
  /** A few of the images that were calibrated with, and what made them of pixels if that is known. */
  readonly shown: readonly DecodedImage[];
  readonly preprocessing: Preprocessing | undefined;
  /** Images kept out of calibration, as many as are compared on. */
  readonly heldOut: readonly SampledImage[];
};

export type Calibrated = SeenImages & {
  /** The cache's text. */
  readonly cache: string;
  readonly scales: ReadonlyMap<string, number>;
  readonly statistics: Statistics;
};

export type Watch = {
  /** Steps done, of steps in all; `what` names the work where it is not the tool's own. */
  readonly progress: (done: number, total: number, what?: string) => void;
  readonly signal: AbortSignal;
};

/** Largest number of images that go through the network at once: more costs memory and gains no time on a CPU. */
const microBatch = 4;

/** @throws UserError ModelUnsupported if a fixed batch does not divide the number of images */
const chooseMicroBatch = ({ fixedBatch }: OpenedModel, images: number): number => {
  if (fixedBatch === undefined) return microBatch;
  if (images % fixedBatch === 0) return fixedBatch;
  throw new UserError(
    'ModelUnsupported',
    `Calibrating: the graph takes ${fixedBatch} images at once, and ${images} images do not divide by that. Choose batches × batch_size so that they do, or export the model with a free batch.`,
  );
};

/** What a pass over the images found, and which they were: thresholds of any method follow from it. */
export type Measurement = SeenImages &
  CollectedStatistics & {
    /** As `OpenedSource` has it. */
    readonly consumed: number;
  };

export type CacheOptions = Pick<CalibrationRequest, 'algorithm' | 'tensorRtVersion' | 'keepFloat'>;

type Request = { readonly request: CalibrationRequest; readonly watch: Watch };

/** @throws UserError TooFewImages, ImageInvalid, TensorfileInvalid, InputNotFound, CalibrationFailed */
export const calibrate = async (opened: OpenedModel, asked: Request): Promise<Calibrated> =>
  buildCache(opened, await measure(opened, asked), asked.request);

/**
 * The cache that follows from what was counted; no image is looked at.
 * @throws UserError CalibrationFailed for a tensor that needs a scale and was infinite, CacheIncomplete, LayerNotFound
 */
export const buildCache = (
  opened: OpenedModel,
  { statistics, shown, preprocessing, heldOut }: Omit<Measurement, 'counted' | 'consumed'>,
  { algorithm, tensorRtVersion, keepFloat }: CacheOptions,
): Calibrated => {
  const { model } = opened;
  requireFinite(listScaledTensors(model, keepFloat ?? []), statistics.infinite);
  const scales = removeFloatScales(model, scalesOf(statistics, algorithm), keepFloat);
  requireCoverage(opened, { has: (name) => scales.has(name), keepFloat });
  // trtexec, tao-deploy and DLA read caches of this calibrator alone, whatever chose the thresholds.
  const cache = writeCalibrationCache({
    version: tensorRtVersionNumber(tensorRtVersion),
    algorithmWord: 'EntropyCalibration2',
    scales,
  });
  return { cache, scales, statistics, shown, preprocessing, heldOut };
};

/** The pass over the images, or over a part of them. @throws as `calibrate` */
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

/** A part that is only counted needs none, and the quick methods choose as they are asked. */
const needsThresholds = ({ part, reported, algorithm }: CalibrationRequest): boolean =>
  part === undefined && (reported === true || isSearch(algorithm));

/** Enough to see channels or a cut that are wrong. */
export const mostShown = 6;

/** The same batches; the first of their images are added to a list. */
async function* collectShown(batches: AsyncIterable<Batch>, shown: DecodedImage[]): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    const length = batch.data.length / batch.paths.length;
    for (const [index, path] of batch.paths.slice(0, mostShown - shown.length).entries())
      shown.push({ path, data: batch.data.slice(index * length, (index + 1) * length) });
    yield batch;
  }
}

/** Enough images to see an engine that is wrong, few enough to store beside every export. */
const verificationLimit = { images: 8, bytes: 16 * 2 ** 20 } as const;

/** Some of the kept images as an ONNX TensorProto [N,C,H,W]; undefined if there are none. */
export const makeVerificationTensor = async (
  { input, channels, height, width }: OpenedModel,
  heldOut: readonly SampledImage[],
): Promise<Uint8Array | undefined> => {
  const bytesEach = 4 * channels * height * width;
  const count = Math.min(
    verificationLimit.images,
    Math.max(1, Math.floor(verificationLimit.bytes / bytesEach)),
    heldOut.length,
  );
  const options = { size: { channels, height, width }, batchSize: Math.max(1, count) };
  for await (const { data, dims } of sampledBatches(heldOut.slice(0, count), options))
    return serializeTensor(tensorFromFloats(input, dims, data));
  return undefined;
};

/** The `.etlt`: the ONNX file as it is, encrypted by age unless another cipher is given. */
export const encryptOpenedModel = (
  opened: OpenedModel,
  key: string,
  options?: EncryptOptions,
): Promise<Chunks> => encryptEtlt(readableBytes(opened.payload), key, options);
