/** Share of an int8 engine that computes in int8, as numbers and text. */

import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { inferTensorFacts } from '../../graph/inference/tensor-facts.ts';
import { type ArithmeticLayer, listArithmeticLayers } from '../../graph/precision/arithmetic.ts';
import { findFloatLayers } from '../../graph/precision/float-layers.ts';
import { convertPlugins } from '../../graph/precision/precision.ts';
import { prepareForQdq, type Scales } from '../../graph/precision/qdq.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import { type Int8Facts, int8WarningLimit } from '../../ground/contract/result-schema.ts';
import type { OpenedModel } from '../models/open-model.ts';
import type { ReportInt8 } from '../report/report.ts';

/** Layers and arithmetic in int8, and why other layers are float. */
export type Int8Share = ReportInt8;

/** Scales of the engine, and layers kept in float. */
export type ShareRequest = { readonly scales: Scales; readonly keepFloat: readonly string[] };

/** Minimum int8 share of the arithmetic; below it an engine counts as mostly float. */
const leastArithmetic = 0.5;

/** Computes the share of an engine with these scales. @throws UserError LayerNotFound */
export const measureInt8Share = async (
  opened: OpenedModel,
  { scales, keepFloat }: ShareRequest,
): Promise<Int8Share> => {
  const prepared = prepareForQdq(opened.model);
  const shapeOf = await inferShapes(opened, prepared);
  const keptFloat = findFloatLayers(opened.model, keepFloat).tensors;
  return summarise(listArithmeticLayers(prepared, { scales, keptFloat, shapeOf }));
};

const summarise = (layers: readonly ArithmeticLayer[]): Int8Share => {
  const int8 = layers.filter(({ isInt8 }) => isInt8);
  const isKnown = layers.every(({ operations }) => operations !== undefined);
  const sizeOf = (some: readonly ArithmeticLayer[]): number =>
    some.reduce((sum, { operations }) => sum + (isKnown ? operations! : 1), 0);
  const counts = new Map<string, number>();
  for (const { why } of layers) if (why !== undefined) counts.set(why, (counts.get(why) ?? 0) + 1);
  return {
    layers: layers.length,
    int8Layers: int8.length,
    arithmetic: layers.length === 0 ? 0 : sizeOf(int8) / sizeOf(layers),
    floatBecause: [...counts]
      .map(([why, count]) => ({ why, layers: count }))
      .sort((a, b) => b.layers - a.layers || (a.why < b.why ? -1 : 1)),
  };
};

/** Shapes inferred for one run; unknown for a graph that ONNX Runtime cannot open. */
const inferShapes = async (opened: OpenedModel, prepared: ModelProto) => {
  const { input, channels, height, width, fixedBatch = 1 } = opened;
  const dims = [fixedBatch, channels, height, width];
  try {
    const facts = await inferTensorFacts(convertPlugins('NonMaxSuppression', prepared), { input, dims });
    return (name: string): readonly number[] | undefined => {
      const sizes = facts.get(name)?.dims;
      return sizes?.every((size) => typeof size === 'number') ? sizes : undefined;
    };
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return () => undefined;
  }
};

/** Whether no layer, or less than half of the arithmetic, is int8. */
export const isMostlyFloat = ({ int8Layers, arithmetic }: Int8Share): boolean =>
  int8Layers === 0 || arithmetic < leastArithmetic;

const percent = (share: number): string =>
  share > 0 && share < 0.01 ? 'less than 1 %' : `${Math.floor(share * 100)} %`;

/** `12 of 14 layers compute in int8, 93 % of the arithmetic; in float: 2 are too narrow …`. */
export const shareText = ({ layers, int8Layers, arithmetic, floatBecause }: Int8Share): string => {
  const share = `${int8Layers} of ${layers} layers compute in int8, ${percent(arithmetic)} of the arithmetic`;
  const reasons = floatBecause.map(({ why, layers: count }) => `${count} ${why}`);
  return reasons.length === 0 ? share : `${share}; in float: ${reasons.join(', ')}`;
};

/** The share for a result message, in a few bytes; empty for exports that are not int8. */
export const int8Facts = ({
  int8,
}: {
  readonly int8: Int8Share | undefined;
}): { readonly int8?: Int8Facts } => {
  if (!int8) return {};
  const { layers, int8Layers, arithmetic } = int8;
  const facts = { layers: `${int8Layers}/${layers}`, arithmetic: arithmetic.toFixed(3) };
  const warning = shareText(int8).slice(0, int8WarningLimit);
  return { int8: isMostlyFloat(int8) ? { ...facts, warning } : facts };
};

/** @throws UserError Int8ShareTooLow */
export const requireInt8 = (share: Int8Share): void => {
  if (!isMostlyFloat(share)) return;
  throw new UserError(
    'Int8ShareTooLow',
    `Exporting for int8: ${shareText(share)}. At least half of the arithmetic is required (${field('requireInt8')}). Nothing was stored. Export the model with constant weights, or build this class in fp16.`,
  );
};
