/**
 * Tensor data that lie in files beside the model. A location is relative to the model's folder and may not leave it,
 * by name or by a link; offset and length must lie inside the file. https://onnx.ai/onnx/repo-docs/ExternalData.html
 */

import { type FileHandle, realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { isInside } from '../../ground/base/inside.ts';
import { openRegular } from '../../ground/base/readable.ts';
import {
  TensorProto_DataLocation as DataLocation,
  type ModelProto,
  StringStringEntryProtoSchema,
  type TensorProto,
} from './generated/onnx_pb.ts';
import { copyWith, graphOf } from './graph.ts';
import { rawSizeOf } from './tensor.ts';
import { tensorsIn } from './tensors-in.ts';

/** Offsets are multiples of a memory page, so that readers can map the file. */
const alignment = 4096;

/** What one ONNX file can hold: protobuf's own limit, which every reader of ONNX has. */
export const oneFileBytes = 2 ** 31 - 1;

/**
 * Brings every external tensor's data into the model, in place.
 * @throws UserError ModelInvalid, InputNotFound (a data file is missing)
 */
export const inlineExternalData = async (model: ModelProto, folder: string): Promise<void> => {
  const external = tensorsIn(model).filter(({ dataLocation }) => dataLocation === DataLocation.EXTERNAL);
  const byLocation = Map.groupBy(external, (tensor) => entryOf(tensor, 'location') ?? '');
  let total = 0;
  for (const [location, tensors] of byLocation) {
    await using file = await openInside(folder, location);
    const { size } = await file.stat();
    for (const tensor of tensors) total += await inline(tensor, file, { size, limit: oneFileBytes - total });
  }
};

/**
 * For a model that is no file with a folder: inside an encrypted file, or in memory. A runtime would look for its data in
 * the working folder of the process.
 * @throws UserError ModelInvalid
 */
export const refuseExternalData = (model: ModelProto): void => {
  const tensor = tensorsIn(model).find(({ dataLocation }) => dataLocation === DataLocation.EXTERNAL);
  if (tensor === undefined) return;
  throw new UserError(
    'ModelInvalid',
    `Reading the encrypted model: its tensor ${tensor.name} keeps its data in another file, and an encrypted model has no other files. Encrypt it again by tlt-model pack, which puts all data into one file.`,
  );
};

export type Split = {
  readonly model: ModelProto;
  /** What the data file holds, in order; empty if nothing was taken out. */
  readonly data: Iterable<Uint8Array>;
  readonly dataBytes: number;
};

/**
 * The model with the raw data of large initializers taken out, and those data, none of them copied. Constants in attributes
 * stay: shape inference reads them, and cannot follow them out of the file.
 */
export const splitExternalData = (
  model: ModelProto,
  { location, threshold }: { readonly location: string; readonly threshold: number },
): Split => {
  const initializer = graphOf(model).initializer;
  const large = initializer.filter(({ rawData }) => rawData.length > 0 && rawData.length >= threshold);
  const offsets = new Map<TensorProto, number>();
  let end = 0;
  for (const tensor of large) {
    const offset = Math.ceil(end / alignment) * alignment;
    offsets.set(tensor, offset);
    end = offset + tensor.rawData.length;
  }
  const slim = initializer.map((tensor) => {
    const offset = offsets.get(tensor);
    return offset === undefined ? tensor : pointingOutside(tensor, { location, offset });
  });
  const graph = copyWith(graphOf(model), { initializer: slim }); // the caller's model stays as it is
  return { model: copyWith(model, { graph }), data: laidOut(offsets), dataBytes: end };
};

/** Tensors at their offsets, and zeros between them. */
function* laidOut(offsets: ReadonlyMap<TensorProto, number>): Generator<Uint8Array> {
  let end = 0;
  for (const [{ rawData }, offset] of offsets) {
    if (offset > end) yield new Uint8Array(offset - end);
    for (let at = 0; at < rawData.length; at += pieceBytes) yield rawData.subarray(at, at + pieceBytes);
    end = offset + rawData.length;
  }
}

/** A system writes 2 GiB at once at most. */
const pieceBytes = 2 ** 26;

const pointingOutside = (
  tensor: TensorProto,
  { location, offset }: { readonly location: string; readonly offset: number },
): TensorProto => {
  const entries = { location, offset: `${offset}`, length: `${tensor.rawData.length}` };
  const externalData = Object.entries(entries).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  const slim = copyWith(tensor, { externalData, dataLocation: DataLocation.EXTERNAL });
  Reflect.deleteProperty(slim, 'rawData');
  return slim;
};

const entryOf = ({ externalData }: TensorProto, key: string): string | undefined =>
  externalData.find((entry) => entry.key === key)?.value;

const openInside = async (folder: string, location: string): Promise<FileHandle> => {
  if (location === '' || isAbsolute(location)) throw outside(location);
  try {
    const base = await realpath(folder);
    const path = await realpath(join(base, location));
    if (path === base || !isInside(base, path)) throw outside(location);
    return await openRegular(path);
  } catch (thrown) {
    if (systemCodeOf(thrown) === undefined) throw thrown;
    throw new UserError(
      'InputNotFound',
      `Reading the model's data file ${location}: ${messageOf(thrown)}. Copy it beside the model, or export the model into one file.`,
      { cause: thrown },
    );
  }
};

const inline = async (
  tensor: TensorProto,
  file: FileHandle,
  { size, limit }: { readonly size: number; readonly limit: number },
): Promise<number> => {
  const offset = numberOf(tensor, 'offset') ?? 0;
  const length = numberOf(tensor, 'length') ?? size - offset;
  const needed = rawSizeOf(tensor);
  if (needed !== undefined && length !== needed)
    throw damaged(tensor, `needs ${needed} bytes, and ${length} are set aside for it`);
  if (length < 0 || offset + length > size)
    throw damaged(tensor, `lies at bytes ${offset} to ${offset + length} of a file of ${size} bytes`);
  if (length > limit)
    throw new UserError(
      'ModelUnsupported',
      "Reading the model's external data: with them it takes 2 GiB or more, and the one ONNX file inside of a .tlt, an .etlt or an engine's input holds less. Prune the model, or build an engine of the files as they are, by trtexec.",
    );
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  if (bytesRead !== length) throw damaged(tensor, `could be read for ${bytesRead} of ${length} bytes only`);
  tensor.rawData = bytes;
  tensor.externalData = [];
  Reflect.deleteProperty(tensor, 'dataLocation');
  return length;
};

const numberOf = (tensor: TensorProto, key: string): number | undefined => {
  const text = entryOf(tensor, key);
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw damaged(tensor, `has the ${key} '${text}'`);
  return number;
};

const damaged = (tensor: TensorProto, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the model's external data: tensor ${tensor.name} ${found}. The model and its data file do not belong together.`,
  );

const outside = (location: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the model's external data: the location '${location}' is not inside the model's folder. Such a model is refused; export it with its data beside it.`,
  );
