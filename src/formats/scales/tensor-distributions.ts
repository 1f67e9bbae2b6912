/**
 * What a calibration found of each tensor beyond the scale of the cache: its least and largest value, and the scales of other
 * methods, as JSON. Engines of ONNX Runtime choose from them; the text that TensorRT reads stays as it is.
 *
 *     {
 *         "extents": { "input_1": [-123.7, 151.1] },
 *         "scales": { "MinMax": { "input_1": 1.19 } }
 *     }
 */
import { messageOf, UserError } from '../../ground/base/errors.ts';

/** Least and largest value of a tensor. */
export type Extent = { readonly low: number; readonly high: number };

/** What was found of all tensors. */
export type TensorDistributions = {
  readonly extents: ReadonlyMap<string, Extent>;
  /** Method → tensor → scale. */
  readonly scales: ReadonlyMap<string, ReadonlyMap<string, number>>;
};

/** Writes the JSON file. */
export const writeDistributions = ({ extents, scales }: TensorDistributions): string => {
  const ranges = [...extents].map(([tensor, { low, high }]) => [tensor, [low, high]] as const);
  const methods = [...scales].map(([method, each]) => [method, Object.fromEntries(each)] as const);
  return `${JSON.stringify({ extents: Object.fromEntries(ranges), scales: Object.fromEntries(methods) })}\n`;
};

/** Reads the JSON file. @throws UserError CacheInvalid */
export const readDistributions = (text: string): TensorDistributions => {
  try {
    const { extents, scales } = JSON.parse(text) as Stored;
    return {
      extents: new Map(Object.entries(extents).map(([name, [low, high]]) => [name, { low, high }])),
      scales: new Map(
        Object.entries(scales).map(([method, each]) => [method, new Map(Object.entries(each))]),
      ),
    };
  } catch (thrown) {
    throw new UserError(
      'CacheInvalid',
      `Reading the distributions of tensors: ${messageOf(thrown)}. Export again with calibration data.`,
      { cause: thrown },
    );
  }
};

/** The name of the calibration cache among the methods. */
export const cacheMethod = 'the cache';

/** With the scales of the calibration cache as the first method. */
export const addMethod = (
  { extents, scales }: TensorDistributions,
  cache: ReadonlyMap<string, number>,
): TensorDistributions => ({ extents, scales: new Map([[cacheMethod, cache], ...scales]) });

type Stored = {
  readonly extents: Readonly<Record<string, readonly [number, number]>>;
  readonly scales: Readonly<Record<string, Readonly<Record<string, number>>>>;
};
