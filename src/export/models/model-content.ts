/** Any accepted model file as ONNX: `.onnx` with its data files, Keras `.hdf5`, and either of them in a `.tlt` or `.etlt`. */
import { verifyPayload } from '../../formats/crypto/age-chunks.ts';
import { detectFormat, detectFormatAtStart, type FileFormat } from '../../formats/crypto/detect-format.ts';
import { type Cipher, decryptModel, openEncrypted } from '../../formats/crypto/encrypted-model.ts';
import type { KerasSource } from '../../formats/hdf5/keras-file.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { completed, parseCompleteModel, serializeModel } from '../../formats/onnx/model.ts';
import type { ImportWish } from '../../graph/keras/import.ts';
import { fileDigest, sha256 } from '../../ground/base/digest.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { openReadable, type Readable, readableBytes, readRegular } from '../../ground/base/readable.ts';
import { release } from '../../ground/base/release.ts';
import { type KerasModel, openKeras } from './keras-model.ts';
import { zipNote } from './zipped-model.ts';

export type ModelContent = {
  readonly model: ModelProto;
  /** The same as the bytes of one ONNX file; undefined for a model that one file cannot hold. */
  readonly payload: Uint8Array | undefined;
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
  /** Weights in bytes that one ONNX file may hold; as many as it can, if left out. */
  readonly weightsLimit?: number | undefined;
};

/** @throws UserError InputNotFound, WrongKey, ModelInvalid, ModelForeign, ModelUnsupported, and what key and cipher throw */
export const readContent = async (source: ContentSource): Promise<ModelContent> => {
  const { path } = source;
  switch (await formatOf(path)) {
    case 'hdf5':
      return { ...(await kerasContent({ path }, source)), sha256: await fileDigest(path) };
    case 'tlt':
    case 'etlt':
      return { ...(await lockedContent(source)), sha256: await fileDigest(path) };
    default: {
      const bytes = await found(path, async () => readRegular(path));
      const digest = sha256(bytes);
      return { ...(await contentOf(bytes, source)), sha256: digest };
    }
  }
};

type Content = Omit<ModelContent, 'sha256'>;

const kerasContent = async (
  file: KerasSource,
  { keras: wish, weightsLimit }: ContentSource,
): Promise<Content> => {
  const keras = await openKeras(file, await wish?.(), weightsLimit);
  return { model: keras.model, payload: keras.payload, keras };
};

/** The ciphertext is never in memory as a whole, and of a Keras file what is inside neither. */
const lockedContent = async (source: ContentSource): Promise<Content> => {
  const key = await source.key();
  using file = openReadable(source.path);
  const { content } = await openEncrypted(file, key);
  return await payloadContent(content, source); // the file stays open until then
};

const payloadContent = async (content: Readable, source: ContentSource): Promise<Content> => {
  const { path } = source;
  const format = detectFormatAtStart(content);
  if (format === 'uff') throw uff(path);
  if (format === 'hdf5') {
    verifyPayload(content); // the importer reads parts only
    return kerasContent({ path, content }, source);
  }
  const payload = content.whole();
  return { model: parseCompleteModel(payload), payload, keras: undefined };
};

/** Bytes that a cipher opened are given back: whoever holds them must not read them again. */
const contentOf = async (bytes: Uint8Array, source: ContentSource): Promise<Content> => {
  const { path, key, cipher } = source;
  if (detectFormat(bytes) === 'onnx') {
    const { model, isOneFile } = await completed(path, bytes);
    return { model, payload: isOneFile ? bytes : serializeModel(model), keras: undefined };
  }
  const zip = zipNote(bytes);
  if (zip !== undefined) throw new UserError('ModelUnsupported', `Opening ${path}: it is ${zip}`);
  const { payload } = await decryptModel(bytes, await key(), cipher);
  release(bytes);
  return payloadContent(readableBytes(payload), source);
};

const uff = (path: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Opening ${path}: it holds a UFF graph, as TLT 2.0 exported it, which cannot become ONNX again. Give the .tlt that it was exported from.`,
  );

const formatOf = (path: string): Promise<FileFormat> =>
  found(path, async () => {
    using file = openReadable(path);
    return detectFormatAtStart(file);
  });

const found = async <T>(path: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'InputNotFound',
      `Loading the model from ${path}: ${messageOf(thrown)}. Check the path.`,
      {
        cause: thrown,
      },
    );
  }
};
