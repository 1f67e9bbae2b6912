/** Any accepted model file as ONNX: `.onnx` with its data files, Keras `.hdf5`, and either of them in a `.tlt` or `.etlt`. */
import { open, readFile } from 'node:fs/promises';
import { fileDigest, sha256 } from '../base/digest.ts';
import { messageOf, UserError } from '../base/errors.ts';
import { release } from '../base/release.ts';
import { detectFormat } from '../formats/detect-format.ts';
import { type Cipher, decryptModel } from '../formats/encrypted-model.ts';
import type { ModelProto } from '../formats/generated/onnx_pb.ts';
import { hasExternalData, parseModel, readModelFile, serializeModel } from '../formats/onnx/model.ts';
import type { ImportWish } from '../keras/import.ts';
import { type KerasModel, openKeras } from './keras-model.ts';

export type ModelContent = {
  readonly model: ModelProto;
  /** The same as the bytes of one ONNX file. */
  readonly payload: Uint8Array;
  /** Digest of the file as it was found. */
  readonly sha256: string;
  /** What the importer tells, if it was a Keras model. */
  readonly keras: KerasModel | undefined;
};

export type ContentSource = {
  readonly path: string;
  /** Asked only for a file that is locked. */
  readonly key: () => Promise<string>;
  /** Opens what age did not encrypt. */
  readonly cipher?: Cipher | undefined;
  /** Asked only for a Keras model. */
  readonly keras?: () => Promise<ImportWish>;
};

/** @throws UserError InputNotFound, WrongKey, ModelInvalid, ModelForeign, ModelUnsupported, and what key and cipher throw */
export const readContent = async (source: ContentSource): Promise<ModelContent> => {
  const { path, keras: wish } = source;
  if (detectFormat(await startOf(path)) === 'hdf5') {
    const keras = await openKeras({ path }, await wish?.());
    return { model: keras.model, payload: keras.payload, sha256: await fileDigest(path), keras };
  }
  const bytes = await found(path, () => readFile(path));
  const digest = sha256(bytes);
  return { ...(await contentOf(bytes, source)), sha256: digest };
};

/** An encrypted file's bytes are given back: whoever holds them must not read them again. */
const contentOf = async (
  bytes: Uint8Array,
  { path, key, cipher, keras: wish }: ContentSource,
): Promise<Omit<ModelContent, 'sha256'>> => {
  if (detectFormat(bytes) === 'onnx') {
    const model = await readModelFile(path);
    const isWhole = !hasExternalData(parseModel(bytes));
    return { model, payload: isWhole ? bytes : serializeModel(model), keras: undefined };
  }
  refuseZip(path, bytes);
  const { payload } = await decryptModel(bytes, await key(), cipher);
  release(bytes);
  if (detectFormat(payload) === 'uff') throw uff(path);
  if (detectFormat(payload) !== 'hdf5') return { model: parseModel(payload), payload, keras: undefined };
  const keras = await openKeras({ path, bytes: payload }, await wish?.());
  return { model: keras.model, payload: keras.payload, keras };
};

const uff = (path: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Opening ${path}: it holds a UFF graph, as TLT 2.0 exported it, which cannot become ONNX again. Give the .tlt that it was exported from.`,
  );

/** The `.keras` of Keras 3 and NVIDIA's `.tltb` and `.eff` are zips. */
const refuseZip = (path: string, bytes: Uint8Array): void => {
  const latin1 = (part: Uint8Array) => Buffer.from(part).toString('latin1');
  if (!latin1(bytes.subarray(0, 4)).startsWith('PK\x03\x04')) return;
  const directory = latin1(bytes.subarray(-65536));
  throw new UserError(
    'ModelUnsupported',
    directory.includes('model.weights.h5')
      ? `Opening ${path}: it is a .keras file (a zip of Keras 3). Save the model in HDF5, by model.save('model.hdf5'), and give that.`
      : `Opening ${path}: it is a zip, perhaps NVIDIA's .tltb or .eff. Give the .hdf5 or .onnx that is inside.`,
  );
};

/** Enough to know HDF5 by. */
const startOf = (path: string): Promise<Uint8Array> =>
  found(path, async () => {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(new Uint8Array(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  });

const found = async <T>(path: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (thrown) {
    throw new UserError(
      'InputNotFound',
      `Loading the model from ${path}: ${messageOf(thrown)}. Check the path.`,
      {
        cause: thrown,
      },
    );
  }
};
