/**
 * Coverage: whether a cache has a scale for every tensor that convolutions and matrix products read and that depends on
 * the images. Checked for every cache, whatever the origin of its scales.
 */

import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { isPlugin } from '../../graph/plugins/plugin-nodes.ts';
import { buildCalibrationGraph, int8Activations } from '../../graph/precision/calibration-graph.ts';
import { findFloatLayers } from '../../graph/precision/float-layers.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import type { OpenedModel } from '../models/open-model.ts';

/** What a cache covers. */
export type Coverage = {
  /** Whether a tensor has a scale, or a histogram to derive one from. */
  readonly has: (tensor: string) => boolean;
  readonly keepFloat?: readonly string[] | undefined;
  /** The scales are from training, which decides what is quantised. */
  readonly isTrained?: boolean;
};

/** A tensor without a scale. */
export type Gap = {
  readonly tensor: string;
  readonly why: string;
  /** Its readers can only be float, so the cache is still complete. */
  readonly isExcused: boolean;
};

/** Tensors without a scale, in the order of the graph, except those of layers kept in float on request. */
export const findGaps = (
  { input, model }: Pick<OpenedModel, 'input' | 'model'>,
  covering: Coverage,
): readonly Gap[] => {
  const { has, keepFloat = [], isTrained = false } = covering;
  const float = findFloatLayers(model, keepFloat).tensors;
  const needed = [...new Set(isTrained ? int8Activations(model) : [input, ...int8Activations(model)])];
  const missing = needed.filter((name) => !has(name) && !float.has(name));
  if (missing.length === 0) return [];
  const measurable = new Set(buildCalibrationGraph(model).tensors);
  return missing.map((tensor) => {
    if (isTrained) return { tensor, why: 'training did not quantise it', isExcused: true };
    if (measurable.has(tensor))
      return { tensor, why: 'no float values of it were counted', isExcused: false };
    return { tensor, why: pluginBefore(model, tensor), isExcused: true };
  });
};

/** Why a tensor cannot be measured: calibration ends at plugin nodes without an equivalent in ONNX. */
const pluginBefore = (model: ModelProto, tensor: string): string => {
  const { node: nodes } = graphOf(model);
  const wanted = new Set([tensor]);
  for (const node of nodes.toReversed()) {
    if (!node.output.some((name) => wanted.has(name))) continue;
    if (isPlugin(node)) return `it depends on ${node.opType}, which only TensorRT can run`;
    for (const name of readsOf(node)) wanted.add(name);
  }
  return 'it is cut off with a plugin node';
};

const mostNamed = 5;

/** `input (why), conv1 (why) and 3 more`. */
export const gapsText = (gaps: readonly Gap[]): string => {
  const named = gaps.slice(0, mostNamed).map(({ tensor, why }) => `${tensor} (${why})`);
  const more = gaps.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
};

/** Checks a new cache before it is stored. */
export const requireCoverage = (opened: OpenedModel, covering: Coverage): void => {
  const gaps = findGaps(opened, covering);
  const isEmpty = gaps.length > 0 && int8Activations(opened.model).every((name) => !covering.has(name));
  const wrong = isEmpty ? gaps : gaps.filter(({ isExcused }) => !isExcused);
  if (wrong.length === 0) return;
  throw new UserError(
    'CacheIncomplete',
    `Making the calibration cache: it has no scale for ${wrong.length} ${wrong.length === 1 ? 'tensor' : 'tensors'} that convolutions and matrix products read: ${gapsText(wrong)}. Nothing was stored. Keep their readers in float (${field('keepFloat')}), or export the model in another form.`,
  );
};
