/**
 * The integers of a tensor for ONNX Runtime: 256 levels from its lowest to its highest value. A tensor that cannot be negative
 * gets all of them above zero, which also replaces a Relu.
 */
import type { NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { attributeOf, floatOf } from '../../../formats/onnx/node.ts';
import { floatsOf } from '../../../formats/onnx/tensor.ts';
import { minScale } from '../../../formats/scales/calibration-cache.ts';
import { int8Levels } from '../../../formats/scales/int8-levels.ts';
import type { Extent } from '../../../formats/scales/tensor-distributions.ts';
import { isNonNegative } from '../../transforms/non-negative.ts';
import type { Scales } from '../qdq.ts';

/** real = (integer − zero) × scale, integers 0 to 255. */
export type IntegerGrid = { readonly scale: number; readonly zero: number };

/** What bounds the values of a tensor. */
export type KnownValues = {
  /** Extents on calibration images, by tensor; a tensor without one is as wide below zero as above. */
  readonly extents: ReadonlyMap<string, Extent>;
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly scales: Scales;
};

const levels = 255;

/** The grid of a tensor with a scale: from −127 to 127 steps of it, less what the tensor never reaches. */
export const gridOf = (tensor: string, known: KnownValues): IntegerGrid => {
  const scale = known.scales.get(tensor)!;
  const extent = known.extents.get(tensor);
  const threshold = scale * int8Levels;
  // Zero is always a level: padding adds it.
  const high = Math.max(0, Math.min(threshold, extent?.high ?? threshold));
  const low = Math.min(0, Math.max(-threshold, extent?.low ?? -threshold, lowestOf(tensor, known)));
  if (high - low === 2 * threshold || high === low) return { scale, zero: 128 };
  const step = Math.max(minScale, Math.fround((high - low) / levels));
  return { scale: step, zero: Math.round(Math.abs(low) / step) };
};

/** The least values of x · σ(x), and of x · min(max(x/6 + 1/2, 0), 1). */
const [leastSwish, leastHardSwish] = [-0.27847, -0.375];

/** A lower bound of a tensor's values, from the node that makes it; −∞ if none is known. */
const lowestOf = (tensor: string, known: KnownValues): number => {
  const { producers, constants, scales } = known;
  const node = producers.get(tensor);
  if (isNonNegative(tensor, { producer: (name) => producers.get(name), constants })) return 0;
  switch (node?.opType) {
    case 'HardSwish':
      return leastHardSwish;
    case 'LeakyRelu':
      return (
        -floatOf(node, 'alpha', 0.01) * int8Levels * (scales.get(node.input[0]!) ?? Number.POSITIVE_INFINITY)
      );
    case 'Clip': {
      const low = node.input[1] ? constants.get(node.input[1]) : undefined;
      return low ? floatsOf(low)[0]! : (attributeOf(node, 'min')?.f ?? Number.NEGATIVE_INFINITY);
    }
    case 'Mul':
      return leastOfProduct(node, producers);
    default:
      return Number.NEGATIVE_INFINITY;
  }
};

/** Of a product of x and a gate of the same x. */
const leastOfProduct = ({ input }: NodeProto, producers: KnownValues['producers']): number => {
  for (const [x, gate] of [input, input.toReversed()]) {
    const node = producers.get(gate!);
    if (node?.input[0] !== x) continue;
    if (node?.opType === 'Sigmoid') return leastSwish;
    const isUsual = Math.abs(floatOf(node!, 'alpha', 0.2) - 1 / 6) < 1e-3;
    if (node?.opType === 'HardSigmoid' && isUsual) return leastHardSwish;
  }
  return Number.NEGATIVE_INFINITY;
};
