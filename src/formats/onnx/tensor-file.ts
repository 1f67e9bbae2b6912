/** A file with one TensorProto, the format of ONNX's own test data (`input_0.pb`). */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { type TensorProto, TensorProtoSchema } from './generated/onnx_pb.ts';
import { checkTensor } from './tensor.ts';

/** Serializes one tensor. */
export const serializeTensor = (tensor: TensorProto): Uint8Array => toBinary(TensorProtoSchema, tensor);

/**
 * Parses one tensor.
 * @throws UserError ModelInvalid for a file that is truncated or of another format
 */
export const parseTensor = (bytes: Uint8Array): TensorProto => {
  try {
    const tensor = fromBinary(
      TensorProtoSchema,
      new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
    checkTensor(tensor);
    return tensor;
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'ModelInvalid',
      `Reading an ONNX tensor of ${bytes.length} bytes: ${messageOf(thrown)}`,
      {
        cause: thrown,
      },
    );
  }
};
