/**
 * Computes tensor ranges from trained Q/DQ pairs. A tensor with several pairs gets the largest range, so that no reader
 * is clipped.
 */

import { int8Levels } from '../../formats/scales/int8-levels.ts';
import type { TensorRanges } from '../../formats/scales/tensor-scales.ts';
import { UserError } from '../../ground/base/errors.ts';
import { field } from '../../ground/contract/fields.ts';
import type { TrainedPair } from './qat.ts';

/**
 * Range of each tensor for symmetric int8 (−127…127).
 * @throws UserError ModelUnsupported naming the tensor
 */
export const computeTrainedRanges = (pairs: readonly TrainedPair[]): TensorRanges => {
  const ranges = new Map<string, number>();
  for (const pair of pairs) {
    const range = rangeOf(pair);
    for (const name of pair.clipped === undefined ? [pair.tensor] : [pair.tensor, pair.clipped])
      ranges.set(name, Math.max(range, ranges.get(name) ?? 0));
  }
  return ranges;
};

const rangeOf = (pair: TrainedPair): number => {
  const { tensor, scale: scales, zeroPoint, type, cascaded } = pair;
  if (cascaded) throw unusable(tensor, 'it is quantised twice in a row');
  if (!scales || !zeroPoint) throw unusable(tensor, 'its scale is computed by the graph');
  if (scales.length !== 1)
    throw unusable(tensor, `it has ${scales.length} scales, and an activation has one`);
  const [scale, zero] = [scales[0]!, zeroPoint[0] ?? 0];
  if (!(scale > 0 && Number.isFinite(scale))) throw unusable(tensor, `its scale is ${scale}`);
  const levels = levelsOf(type, zero);
  if (levels === undefined)
    throw unusable(tensor, `it is quantised to ${type} around ${zero}, and engines take int8 around 0`);
  return scale * levels;
};

/** Levels from zero to the end of the range; uint8 with zero point 128 equals int8. */
const levelsOf = (type: string, zero: number): number | undefined => {
  if (type === 'int8') return zero === 0 ? int8Levels : undefined;
  if (type !== 'uint8') return undefined;
  return zero === 128 ? int8Levels : zero === 0 ? 255 : undefined;
};

const unusable = (tensor: string, found: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Reading the scales that training left in the graph, tensor ${tensor}: ${found}. Export the model with symmetric int8 scales, or calibrate instead (${field('forcePtq')}).`,
  );
