/** Converts constants to float16. */
import type { TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { floatsOf, tensorFromFloat16s } from '../../../formats/onnx/tensor.ts';
import { UserError } from '../../../ground/base/errors.ts';

const largestHalf = 65504;
const leastHalf = 2 ** -24;
/** Exporters write the largest float32, 3.4e38, for "no bound" and for masked values. */
const unbounded = 3.39e38;

/** How a node uses a constant. */
export type ConstantUse = {
  /** The reading node, for error messages. */
  readonly reader: string;
  /** Whether it is a Clip bound: one outside float16's range bounds nothing. */
  readonly isBound: boolean;
};

/**
 * Converts to float16, rounded to nearest. Infinities stay, the largest float32 becomes the largest float16, and a
 * nonzero scalar stays nonzero, because it is an epsilon in a division.
 * @throws UserError EngineUnsupported naming a value outside float16's range
 */
export const convertTensor = (tensor: TensorProto, name: string, use: ConstantUse): TensorProto => {
  const values = floatsOf(tensor);
  const isOne = values.length === 1;
  const halves = values.map((value) => {
    const size = Math.abs(value);
    if (size <= largestHalf)
      return isOne && size > 0 && size < leastHalf ? Math.sign(value) * leastHalf : value;
    if (size === Number.POSITIVE_INFINITY || Number.isNaN(value)) return value;
    if (use.isBound || size >= unbounded) return Math.sign(value) * largestHalf;
    throw new UserError(
      'EngineUnsupported',
      `Making the fp16 graph: the constant ${tensor.name} that ${use.reader} reads holds ${value}, but the largest float16 is ${largestHalf}. Build this class in fp32 or int8, or export the model with smaller constants.`,
    );
  });
  return tensorFromFloat16s(name, tensor.dims.map(Number), halves);
};
