/**
 * Tensor data in files beside the model. A location is relative to the model's folder and must not leave it, by name or
 * by a symbolic link; offset and length must be inside the file. https://onnx.ai/onnx/repo-docs/ExternalData.html
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
import { listTensors } from './tensors-in.ts';

/** Offsets are multiples of a memory page, so that readers can map the file. */
const alignment = 4096;

/** Largest ONNX file in bytes: protobuf's limit, which every reader of ONNX has. */
export const oneFileBytes = 2 ** 31 - 1;

/**
 * Loads the data of every external tensor into the model, in place.
 * @throws UserError ModelInvalid, InputNotFound (a data file is missing), ModelUnsupported (2 GiB or more)
 */
export const inlineExternalData = async (model: ModelProto, folder: string): Promise<void> => {
  const external = listTensors(model).filter(({ dataLocation }) => dataLocation === DataLocation.EXTERNAL);
  const byLocation = Map.groupBy(external, (tensor) => entryOf(tensor, 'location') ?? '');
  let total = 0;
  for (const [location, tensors] of byLocation) {
    await using file = await openInside(folder, location);
    const { size } = await file.stat();
    for (const tensor of tensors) total += await inline(tensor, file, { size, limit: oneFileBytes - total });
  }
};

/**
 * Checks that a model without a folder (encrypted, or in memory) has no external data. A runtime would look for it in
 * the working directory of the process.
 * @throws UserError ModelInvalid
 */
export const requireNoExternalData = (model: ModelProto): void => {
  const tensor = listTensors(model).find(({ dataLocation }) => dataLocation === DataLocation.EXTERNAL);
  if (tensor === undefined) return;
  throw new UserError(
    'ModelInvalid',
    `Reading the encrypted model: its tensor ${tensor.name} keeps its data in another file, but an encrypted model is one file. Encrypt it again by tlt-model pack, which puts all data into one file.`,
  );
};

/** A model and its separate data file. */
export type SplitModel = {
  readonly model: ModelProto;
  /** Content of the data file, in order; empty if no tensor was taken out. */
  readonly data: Iterable<Uint8Array>;
  readonly dataBytes: number;
};

/**
 * Splits a model into one without the raw data of large initializers, and that data; nothing is copied. `threshold` is
 * in bytes. Constants in attributes stay, because shape inference reads them and cannot follow them into another file.
 */
export const splitExternalData = (
  model: ModelProto,
  { location, threshold }: { readonly location: string; readonly threshold: number },
): SplitModel => {
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
    return offset === undefined ? tensor : withExternalData(tensor, { location, offset });
  });
  const graph = copyWith(graphOf(model), { initializer: slim }); // the caller's model is not modified
  return { model: copyWith(model, { graph }), data: layOutData(offsets), dataBytes: end };
};

/** Yields the tensors at their offsets, with zeros between them. */
function* layOutData(offsets: ReadonlyMap<TensorProto, number>): Generator<Uint8Array> {
  let end = 0;
  for (const [{ rawData }, offset] of offsets) {
    if (offset > end) yield new Uint8Array(offset - end);
    for (let at = 0; at < rawData.length; at += chunkBytes) yield rawData.subarray(at, at + chunkBytes);
    end = offset + rawData.length;
  }
}

/** Bytes per write. The operating system writes at most 2 GiB at once. */
const chunkBytes = 2 ** 26;

const withExternalData = (
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
  if (location === '' || isAbsolute(location)) throw locationOutside(location);
  try {
    const base = await realpath(folder);
    const path = await realpath(join(base, location));
    if (path === base || !isInside(base, path)) throw locationOutside(location);
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
    throw invalidExternalData(tensor, `needs ${needed} bytes, but its entry has ${length}`);
  if (length < 0 || offset + length > size)
    throw invalidExternalData(
      tensor,
      `is at bytes ${offset} to ${offset + length}, but the file has ${size} bytes`,
    );
  if (length > limit)
    throw new UserError(
      'ModelUnsupported',
      "Reading the model's external data: the model has 2 GiB or more, and the single ONNX file in a .tlt, in an .etlt and for an engine must be smaller. Prune the model, or build an engine from the original files by trtexec.",
    );
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  if (bytesRead !== length)
    throw invalidExternalData(tensor, `has ${length} bytes, but only ${bytesRead} could be read`);
  tensor.rawData = bytes;
  tensor.externalData = [];
  Reflect.deleteProperty(tensor, 'dataLocation');
  return length;
};

const numberOf = (tensor: TensorProto, key: string): number | undefined => {
  const text = entryOf(tensor, key);
  if (text === undefined) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw invalidExternalData(tensor, `has the ${key} '${text}'`);
  return number;
};

const invalidExternalData = (tensor: TensorProto, found: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the model's external data: tensor ${tensor.name} ${found}. The model and its data file do not belong together.`,
  );

const locationOutside = (location: string): UserError =>
  new UserError(
    'ModelInvalid',
    `Reading the model's external data: the location '${location}' is not inside the model's folder. Export the model with its data file beside it.`,
  );
