/** Calibration cache and range JSON of a model trained with quantisation (QAT); no images are involved. */

import { type ImageFolder, sampleImages } from '../../data/preprocessing/image-list.ts';
import { folderImages, type SampledImage } from '../../data/preprocessing/sampled-image.ts';
import { graphOf } from '../../formats/onnx/graph.ts';
import { tensorRtVersionNumber, writeCalibrationCache } from '../../formats/scales/calibration-cache.ts';
import { int8Levels as levels } from '../../formats/scales/int8-levels.ts';
import { type TensorRanges, writeTensorScales } from '../../formats/scales/tensor-scales.ts';
import { removeFloatScales } from '../../graph/precision/float-layers.ts';
import { nameRanges } from '../../graph/precision/qat-names.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';
import { pixelsOf } from './calibration-source.ts';
import { requireCoverage } from './coverage.ts';

/** Scales from training, in both file formats. */
export type TrainedScales = {
  /** The cache's text. */
  readonly cache: string;
  readonly scales: ReadonlyMap<string, number>;
  /** JSON text: the range of each tensor. */
  readonly json: string;
};

/** What the files depend on besides the model. */
export type TrainedScalesRequest = {
  readonly architecture: Architecture;
  readonly tensorRtVersion: string;
  /** Patterns of layers kept in float; none if undefined. */
  readonly keepFloat?: readonly string[];
};

/** Builds the files of a model that has `trainedRanges`. Scale = range / 127. */
export const buildTrainedScales = (
  opened: OpenedModel,
  { architecture, tensorRtVersion, keepFloat }: TrainedScalesRequest,
): TrainedScales => {
  const { model, input, trainedRanges } = opened;
  const { input: inputs, node } = graphOf(model);
  const tensors = new Set([...inputs.map(({ name }) => name), ...node.flatMap(({ output }) => output)]);
  const { cache, json } = nameRanges(sortByGraph(trainedRanges!(), tensors), {
    architecture,
    input,
    tensors,
  });
  const all = new Map([...cache].map(([name, range]) => [name, Math.fround(range / levels)]));
  const scales = removeFloatScales(model, all, keepFloat);
  requireCoverage(opened, { has: (name) => scales.has(name), keepFloat, isTrained: true });
  const version = tensorRtVersionNumber(tensorRtVersion);
  return {
    cache: writeCalibrationCache({ version, algorithmWord: 'EntropyCalibration2', scales }),
    scales,
    json: writeTensorScales(json),
  };
};

/** Inputs first, then in the order of the graph; names that are not in the graph come last. */
const sortByGraph = (ranges: TensorRanges, tensors: ReadonlySet<string>): TensorRanges => {
  const known = [...tensors].filter((name) => ranges.has(name));
  return new Map([...known, ...ranges.keys()].map((name) => [name, ranges.get(name)!]));
};

/** Images to compare int8 with float on. No image of the folder was used for calibration, so any will do. */
export const listComparisonImages = async (
  opened: OpenedModel,
  folder: ImageFolder | undefined,
  seed: number,
): Promise<readonly SampledImage[]> => {
  if (folder === undefined) return [];
  const { heldOut } = await sampleImages(folder, { batches: 0, batchSize: 0, seed });
  return folderImages(heldOut, pixelsOf(opened));
};

/** Whether the export uses the scales of training. */
export const usesTrainedScales = ({ trainedRanges }: OpenedModel, forcePtq: boolean): boolean =>
  trainedRanges !== undefined && !forcePtq;

/** The error for an existing cache that does not hold the scales of training. */
export const cacheExists = (path: string): UserError =>
  new UserError(
    'OutputExists',
    `Exporting a model that was trained with quantisation: the calibration cache ${path} exists and was left unchanged. Its scales are not those of the training: remove it, choose another file with ${field('calibrationCache')}, or use it with ${field('forcePtq')}.`,
  );
