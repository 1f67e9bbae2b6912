/**
 * ONNX models: bytes and files <-> ModelProto. A model that `parseModel` let through has a graph, an operator set and
 * tensors whose data fit their dimensions. Tensors keep pointing into the bytes they were parsed from.
 */

import { basename, dirname, join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { makeOutputs, writeWholeFile } from '../../ground/base/whole-file.ts';
import { requireBoundedClaims } from './claims.ts';
import { fieldsOf } from './damage.ts';
import { inlineExternalData, oneFileBytes, refuseExternalData, splitExternalData } from './external-data.ts';
import { type ModelProto, ModelProtoSchema, TensorProto_DataLocation } from './generated/onnx_pb.ts';
import { opsetOf } from './graph.ts';
import { type Afterwards, serialized } from './serialize.ts';
import { checkTensor, rawSizeOf } from './tensor.ts';
import { tensorsIn } from './tensors-in.ts';

/**
 * The model in `bytes`; data in other files stay references (`readModelFile` brings them in).
 * @throws UserError ModelInvalid, with the place, for a file that is cut short, damaged or something else;
 * ModelUnsupported for a node that asks for more than any network needs
 */
export const parseModel = (bytes: Uint8Array): ModelProto => {
  const model = decode(bytes);
  if (!model.graph) throw notOnnx(bytes, 'it holds no graph');
  if (model.graph.node.length === 0 && model.graph.output.length === 0)
    throw notOnnx(bytes, 'its graph is empty');
  if (model.irVersion <= 0n) throw notOnnx(bytes, 'it has no IR version');
  opsetOf(model);
  for (const tensor of tensorsIn(model)) checkTensor(tensor);
  requireBoundedClaims(model);
  return model;
};

/** The same for a model that must be complete: one from an encrypted file. @throws UserError ModelInvalid */
export const parseCompleteModel = (bytes: Uint8Array): ModelProto => {
  const model = parseModel(bytes);
  refuseExternalData(model);
  return model;
};

/**
 * Fields in the order of their numbers, so equal models give equal bytes.
 * @throws UserError ModelUnsupported above 2 GiB, where data must lie in another file
 */
export const serializeModel = (model: ModelProto): Uint8Array => written(model, 'Keep');

/**
 * The same for a model that nobody needs any more: its tensors' memory is given back piece by piece, so that the weights are
 * in memory once. What holds one of their buffers must not be used afterwards.
 * @throws UserError as `serializeModel`
 */
export const serializeAndRelease = (model: ModelProto): Uint8Array => written(model, 'Release');

/** Bytes of raw data: nearly all of the file that `serializeModel` would make. */
export const rawBytesOf = (model: ModelProto): number =>
  tensorsIn(model).reduce((total, { rawData }) => total + rawData.length, 0);

const written = (model: ModelProto, afterwards: Afterwards): Uint8Array => {
  const dataBytes = rawBytesOf(model);
  if (dataBytes > oneFileBytes)
    throw new UserError(
      'ModelUnsupported',
      `Writing the ONNX model: its tensors take ${dataBytes} bytes, and one ONNX message holds less than 2 GiB. Keep the data in a separate file.`,
    );
  return serialized(model, afterwards);
};

/**
 * Reads a model file and the data files it points to, which must lie in its folder or below.
 * @throws UserError InputNotFound, ModelInvalid
 */
export const readModelFile = async (path: string): Promise<ModelProto> =>
  (await completed(path, readBytes(path))).model;

/**
 * The model whose file has been read, with the data files beside that file brought in.
 * @throws UserError as `readModelFile`
 */
export const completed = async (
  path: string,
  bytes: Uint8Array,
): Promise<{ readonly model: ModelProto /** Nothing was brought in. */; readonly isOneFile: boolean }> => {
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

export type ModelFileOptions = {
  /** Tensors of at least so many bytes go to `<name>.data` beside the model. Left out: everything in one file. */
  readonly externalDataThreshold?: number;
  readonly overwrite?: boolean;
  /** As `WriteOptions` has it. */
  readonly isPrivate?: boolean;
};

/**
 * Writes a model file, and its data file if any, together and whole or not at all.
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

/** Whether some tensor's data lie outside the bytes of the model. */
export const hasExternalData = (model: ModelProto): boolean =>
  tensorsIn(model).some(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL);

/** Bytes of all tensors in `raw_data` form; strings and exotic types left out. */
export const dataBytesOf = (model: ModelProto): number =>
  tensorsIn(model).reduce((total, tensor) => total + (rawSizeOf(tensor) ?? 0), 0);

const decode = (bytes: Uint8Array): ModelProto => {
  // A plain view: slicing a Buffer would share memory where slicing a Uint8Array copies.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return fromBinary(ModelProtoSchema, plain);
  } catch (thrown) {
    throw notOnnx(bytes, messageOf(thrown), thrown);
  }
};

const notOnnx = (bytes: Uint8Array, found: string, cause?: unknown): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the ONNX model (${bytes.length} bytes): ${fieldsOf(bytes).stoppedBy ?? found}. Copy or export the file again.`,
    { cause },
  );

const readBytes = (path: string): Uint8Array => {
  try {
    return readRegular(path);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    const why = systemCodeOf(thrown) === 'ENOENT' ? 'there is no such file' : messageOf(thrown);
    throw new UserError('InputNotFound', `Reading the model ${path}: ${why}. Check the path.`, {
      cause: thrown,
    });
  }
};
