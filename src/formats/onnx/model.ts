/**
 * Converts ONNX bytes and files to ModelProto and back. A model accepted by `parseModel` has a graph, an opset, and
 * tensors whose data match their dimensions. Its tensors are views of the parsed bytes.
 */

import { basename, dirname, join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { makeOutputs, writeWholeFile } from '../../ground/base/whole-file.ts';
import { requireBoundedClaims } from './claims.ts';
import { scanFields } from './damage.ts';
import {
  inlineExternalData,
  oneFileBytes,
  requireNoExternalData,
  splitExternalData,
} from './external-data.ts';
import { type ModelProto, ModelProtoSchema, TensorProto_DataLocation } from './generated/onnx_pb.ts';
import { opsetOf } from './graph.ts';
import { type SourceBytes, serializeFields } from './serialize.ts';
import { checkTensor, rawSizeOf } from './tensor.ts';
import { listTensors } from './tensors-in.ts';

/**
 * Parses a model; external data stay references (`readModelFile` loads them).
 * @throws UserError ModelInvalid with the position, for a file that is truncated, damaged or of another format;
 * ModelUnsupported for a node that claims more than the limits
 */
export const parseModel = (bytes: Uint8Array): ModelProto => {
  const model = decode(bytes);
  if (!model.graph) throw invalidModel(bytes, 'it has no graph');
  if (model.graph.node.length === 0 && model.graph.output.length === 0)
    throw invalidModel(bytes, 'its graph is empty');
  if (model.irVersion <= 0n) throw invalidModel(bytes, 'it has no IR version');
  opsetOf(model);
  for (const tensor of listTensors(model)) checkTensor(tensor);
  requireBoundedClaims(model);
  return model;
};

/**
 * Parses a model that must have all its data inside, such as a decrypted one.
 * @throws UserError ModelInvalid, ModelUnsupported
 */
export const parseCompleteModel = (bytes: Uint8Array): ModelProto => {
  const model = parseModel(bytes);
  requireNoExternalData(model);
  return model;
};

/**
 * Serializes a model. Fields are in the order of their numbers, so equal models give equal bytes.
 * @throws UserError ModelUnsupported above 2 GiB, which needs external data
 */
export const serializeModel = (model: ModelProto): Uint8Array => serialize(model, 'Keep');

/**
 * Serializes a model and releases its tensors' memory on the way, so that the weights are in memory once. The model and
 * its buffers must not be used afterwards.
 * @throws UserError as `serializeModel`
 */
export const serializeAndRelease = (model: ModelProto): Uint8Array => serialize(model, 'Release');

/** Bytes of raw data: nearly the size of the serialized model. */
export const rawBytesOf = (model: ModelProto): number =>
  listTensors(model).reduce((total, { rawData }) => total + rawData.length, 0);

const serialize = (model: ModelProto, afterwards: SourceBytes): Uint8Array => {
  const dataBytes = rawBytesOf(model);
  if (dataBytes > oneFileBytes)
    throw new UserError(
      'ModelUnsupported',
      `Writing the ONNX model: its tensors take ${dataBytes} bytes; one ONNX file must be smaller than 2 GiB. Keep the data in a separate file.`,
    );
  return serializeFields(model, afterwards);
};

/**
 * Reads a model file with its data files, which must be in its folder or below.
 * @throws UserError InputNotFound, ModelInvalid, ModelUnsupported
 */
export const readModelFile = async (path: string): Promise<ModelProto> =>
  (await completeModel(path, readBytes(path))).model;

/**
 * Parses the bytes of the file at `path` and loads its external data. `isOneFile`: there was none.
 * @throws UserError as `readModelFile`
 */
export const completeModel = async (
  path: string,
  bytes: Uint8Array,
): Promise<{ readonly model: ModelProto; readonly isOneFile: boolean }> => {
  try {
    const model = parseModel(bytes);
    const isOneFile = !hasExternalData(model);
    await inlineExternalData(model, dirname(path));
    return { model, isOneFile };
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.message.includes(path)) throw thrown;
    throw new UserError(thrown.reason, `${path}: ${thrown.message}`, { cause: thrown });
  }
};

/** How a model file is written. */
export type ModelFileOptions = {
  /** Tensors of at least this many bytes go to `<name>.data` beside the model. Undefined: everything in one file. */
  readonly externalDataThreshold?: number;
  readonly overwrite?: boolean;
  /** Readable by the owner only; see `WriteOptions`. */
  readonly isPrivate?: boolean;
};

/**
 * Writes a model file and its data file, if any: both whole, or neither.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull
 */
export const writeModelFile = async (
  path: string,
  model: ModelProto,
  { externalDataThreshold, overwrite = false, isPrivate = false }: ModelFileOptions = {},
): Promise<void> => {
  const options = { overwrite, isPrivate };
  if (externalDataThreshold === undefined) return writeWholeFile(path, serializeModel(model), options);
  const location = `${basename(path)}.data`;
  const split = splitExternalData(model, { location, threshold: externalDataThreshold });
  await using outputs = makeOutputs();
  if (split.dataBytes > 0) await outputs.write(join(dirname(path), location), split.data, options);
  await outputs.write(path, serializeModel(split.model), options);
  await outputs.publish();
};

/** Whether the data of any tensor is in another file. */
export const hasExternalData = (model: ModelProto): boolean =>
  listTensors(model).some(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL);

/** Bytes of all tensors in `raw_data` form, without strings and unknown types. */
export const dataBytesOf = (model: ModelProto): number =>
  listTensors(model).reduce((total, tensor) => total + (rawSizeOf(tensor) ?? 0), 0);

const decode = (bytes: Uint8Array): ModelProto => {
  // A Uint8Array view: slicing a Buffer shares memory, slicing a Uint8Array copies.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return fromBinary(ModelProtoSchema, plain);
  } catch (thrown) {
    throw invalidModel(bytes, messageOf(thrown), thrown);
  }
};

const invalidModel = (bytes: Uint8Array, found: string, cause?: unknown): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the ONNX model (${bytes.length} bytes): ${scanFields(bytes).stoppedBy ?? found}. Copy or export the file again.`,
    { cause },
  );

const readBytes = (path: string): Uint8Array => {
  try {
    return readRegular(path);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const why = systemCodeOf(thrown) === 'ENOENT' ? 'the file does not exist' : messageOf(thrown);
    throw new UserError('InputNotFound', `Reading the model ${path}: ${why}. Check the path.`, {
      cause: thrown,
    });
  }
};
