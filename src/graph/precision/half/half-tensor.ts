/** Constants as float16. */
import type { TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { floatsOf, tensorFromFloat16s } from '../../../formats/onnx/tensor.ts';
import { UserError } from '../../../ground/base/errors.ts';

const largestHalf = 65504;
const leastHalf = 2 ** -24;
/** Exporters write float32's largest, 3.4e38, for "no bound" and for what a mask hides. */
const unbounded = 3.39e38;

export type Use = {
  /** What an error calls the node that reads the constant. */
  readonly reader: string;
  /** Clip bounds: one that float16 cannot reach bounds nothing. */
  readonly isBound: boolean;
};

/**
 * The same values as float16, rounded to nearest. Infinities stay, float32's largest becomes float16's largest, and a
 * single number that is not zero stays so: it is an epsilon that something is divided by.
 * @throws UserError EngineUnsupported naming a value that float16 cannot hold
 */
export const halfTensor = (tensor: TensorProto, name: string, use: Use): TensorProto => {
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
      `Making the fp16 graph: the constant ${tensor.name} that ${use.reader} reads holds ${value}, and the largest float16 is ${largestHalf}. Build this class in fp32 or int8, or export the model with smaller constants.`,
    );
  });
  return tensorFromFloat16s(name, tensor.dims.map(Number), halves);
};
