/**
 * Reads any supported model file as ONNX: `.onnx` with its data files, Keras `.hdf5`, and either in a `.tlt` or
 * `.etlt`.
 */
import { verifyPayload } from '../../formats/crypto/age-chunks.ts';
import { detectFileFormat } from '../../formats/crypto/detect-format.ts';
import { type Cipher, type DetectedFile, openDetected } from '../../formats/crypto/encrypted-model.ts';
import type { KerasSource } from '../../formats/hdf5/keras-file.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { completeModel, parseCompleteModel, serializeModel } from '../../formats/onnx/model.ts';
import type { ImportOptions } from '../../graph/keras/import.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { openReadable, type Readable } from '../../ground/base/readable.ts';
import type { KerasModel } from './keras-model.ts';
import { describeZip } from './zipped-model.ts';

/** Content of a model file. */
export type ModelContent = {
  readonly model: ModelProto;
  /** The model as bytes of one ONNX file; undefined if it does not fit into one file. */
  readonly payload: Uint8Array | undefined;
  /** SHA-256 of the given file. */
  readonly sha256: string;
  /** Result of the importer, if the file is a Keras model. */
  readonly keras: KerasModel | undefined;
};

/** A model file, and what is needed to read it. */
export type ContentSource = {
  readonly path: string;
  /** Called only for an encrypted file. */
  readonly key: () => Promise<string>;
  /** Decrypts files that age did not encrypt. */
  readonly cipher?: Cipher | undefined;
  /** Called only for a Keras model. */
  readonly keras?: () => Promise<ImportOptions>;
  /** Maximum bytes of weights in one ONNX file; the format's limit if undefined. */
  readonly weightsLimit?: number | undefined;
};

/**
 * Reads, decrypts and converts a model file.
 * @throws UserError InputNotFound, WrongKey, ModelInvalid, ModelForeign, ModelUnsupported, and those of `key` and
 * `cipher`
 */
export const readContent = async (source: ContentSource): Promise<ModelContent> => {
  const { path } = source;
  using file = openModelFile(path);
  const content = await decodeContent({ file, format: detectFileFormat(file) }, source);
  return { ...content, sha256: await fileDigest(path) };
};

type Content = Omit<ModelContent, 'sha256'>;

const decodeContent = async (detected: DetectedFile, source: ContentSource): Promise<Content> => {
  const { path } = source;
  const { file, format } = detected;
  if (format === 'hdf5') return readKeras({ path }, source);
  if (format === 'onnx') return readOnnx(path, file.whole());
  if (format !== 'tlt' && format !== 'etlt') refuseZip(path, file);
  return readEncrypted(detected, source);
};

const readKeras = async (
  file: KerasSource,
  { keras: request, weightsLimit }: ContentSource,
): Promise<Content> => {
  // Its modules are a tenth of a tool’s, and only Keras models need them.
  const { openKeras } = await import('./keras-model.ts');
  const keras = await openKeras(file, await request?.(), weightsLimit);
  return { model: keras.model, payload: keras.payload, keras };
};

const readOnnx = async (path: string, bytes: Uint8Array): Promise<Content> => {
  const { model, isOneFile } = await completeModel(path, bytes);
  return { model, payload: isOneFile ? bytes : serializeModel(model), keras: undefined };
};

/** A zip is never an encrypted model. @throws UserError ModelUnsupported */
const refuseZip = (path: string, file: Readable): void => {
  const zip = describeZip(file.whole());
  if (zip !== undefined) throw new UserError('ModelUnsupported', `Opening ${path}: it is ${zip}`);
};

/** Decrypts an age file chunk by chunk: neither the ciphertext nor a Keras payload is in memory as a whole. */
const readEncrypted = async (detected: DetectedFile, source: ContentSource): Promise<Content> => {
  const { path, key, cipher } = source;
  const { content, format } = await openDetected(detected, await key(), cipher);
  if (format === 'uff') throw uffUnsupported(path);
  if (format === 'hdf5') {
    verifyPayload(content); // the importer reads only parts
    return readKeras({ path, content }, source);
  }
  const payload = content.whole();
  return { model: parseCompleteModel(payload), payload, keras: undefined };
};

const uffUnsupported = (path: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Opening ${path}: it contains a UFF graph, as exported by TLT 2.0, which cannot be converted to ONNX. Use the .tlt that it was exported from.`,
  );

const openModelFile = (path: string): Readable & Disposable => {
  try {
    return openReadable(path);
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'InputNotFound',
      `Loading the model from ${path}: ${messageOf(thrown)}. Check the path.`,
      { cause: thrown },
    );
  }
};
