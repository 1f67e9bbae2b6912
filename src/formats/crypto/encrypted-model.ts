/**
 * `.tlt` and `.etlt` files. A `.tlt` is an age v1 passphrase file. An `.etlt` is a prefix (etlt-prefix.ts), followed by
 * an age v1 passphrase file. So `tail -c +5 model.etlt | age -d` decrypts an ONNX one. The key derivation of NVIDIA's cipher is not public;
 * a cipher that the user supplies reads and writes such files.
 */
import { UserError } from '../../ground/base/errors.ts';
import { concatChunks, type Readable, readableBytes, readableFrom } from '../../ground/base/readable.ts';
import {
  ageMagic,
  beginEncryption,
  describeAge,
  encryptWithPassphrase,
  openWithPassphrase,
  type PassphraseOptions,
} from './age-passphrase.ts';
import { detectFileFormat, type FileFormat, startBytes } from './detect-format.ts';
import { parsePrefix, writePrefix } from './etlt-prefix.ts';

/** A cipher for the encrypted part of a file; it never sees the prefix of an `.etlt`. */
export type Cipher = {
  readonly encrypt: (payload: Uint8Array, key: string) => Promise<Uint8Array>;
  readonly decrypt: (encrypted: Uint8Array, key: string) => Promise<Uint8Array>;
};

/** Options of the encryption of a model. */
export type EncryptOptions = PassphraseOptions & {
  /** Used instead of age. */
  readonly cipher?: Cipher | undefined;
};

/** Starts the slow part of an encryption whose payload is not ready yet. The result is for one file, with the same key. */
export const beginEncrypting = (key: string, options: EncryptOptions = {}): EncryptOptions =>
  options.cipher ? options : { ...options, begun: beginEncryption(key, options) };

/**
 * The bytes of a file to write, in order. Chunks are produced lazily and once: the payload must not change until the
 * last one is taken.
 */
export type Chunks = Iterable<Uint8Array>;

/**
 * Encrypts a payload (ONNX, Keras HDF5) as a `.tlt`. The key is used as UTF-8 bytes.
 * @throws UserError KeyMissing, and what the cipher throws
 */
export const encryptTlt = async (
  payload: Readable,
  key: string,
  { cipher, ...options }: EncryptOptions = {},
): Promise<Chunks> => {
  requireKey(key);
  return cipher ? [await cipher.encrypt(payload.whole(), key)] : encryptWithPassphrase(payload, key, options);
};

/**
 * Encrypts a payload as an `.etlt`. An empty `inputName` marks ONNX.
 * @throws UserError Usage (name too long), KeyMissing, and what the cipher throws
 */
export const encryptEtlt = async (
  payload: Readable,
  key: string,
  { inputName = '', ...options }: EncryptOptions & { readonly inputName?: string } = {},
): Promise<Chunks> => {
  const prefix = writePrefix(inputName);
  return concatChunks([prefix], await encryptTlt(payload, key, options));
};

type Container = {
  readonly container: 'tlt' | 'etlt';
  /** Input node name from the `.etlt` prefix; empty for ONNX and for a `.tlt`. Not authenticated. */
  readonly inputName: string;
};

/** A decrypted file with its payload in memory. */
export type DecryptedModel = Container & { readonly payload: Uint8Array };

/** A decrypted file. For an age file, `read` and `whole` throw UserError ModelInvalid for an altered chunk. */
export type OpenedContainer = Container & {
  readonly content: Readable;
  /** Format of the content. For an age file, it is detected when it is read, which decrypts the first chunk. */
  readonly format: FileFormat;
};

/** A file whose format was detected. */
export type DetectedFile = { readonly file: Readable; readonly format: FileFormat };

/**
 * Opens a `.tlt` or `.etlt`; the bytes show which one it is. Only the header of an age file is read here, and its
 * content is decrypted when it is read. Any other file is decrypted by `cipher` as a whole.
 * @throws UserError WrongKey, KeyMissing, ModelInvalid (truncated, altered or not encrypted), ModelForeign (no cipher
 * given), and what the cipher throws
 */
export const openEncrypted = (file: Readable, key: string, cipher?: Cipher): Promise<OpenedContainer> =>
  openDetected({ file, format: detectFileFormat(file) }, key, cipher);

/**
 * Opens a `.tlt` or `.etlt` whose format is known.
 * @throws as `openEncrypted`
 */
export const openDetected = async (
  { file, format }: DetectedFile,
  key: string,
  cipher?: Cipher,
): Promise<OpenedContainer> => {
  requireKey(key);
  if (format !== 'tlt' && format !== 'etlt') return openForeign({ bytes: file.whole(), format }, key, cipher);
  const { encrypted, ...container } = splitContainer(file, format);
  const content = await openWithPassphrase(encrypted, key);
  return {
    ...container,
    content,
    get format() {
      return detectFileFormat(content);
    },
  };
};

const openForeign = async (
  { bytes, format }: { readonly bytes: Uint8Array; readonly format: FileFormat },
  key: string,
  cipher: Cipher | undefined,
): Promise<OpenedContainer> => {
  if (cipher === undefined || !canBeForeign(bytes, format)) throw notDecryptable(bytes, format);
  const kind = parsePrefix(bytes) ? 'etlt' : 'tlt';
  const { encrypted, ...container } = splitContainer(readableBytes(bytes), kind);
  const content = readableBytes(await cipher.decrypt(encrypted.whole(), key));
  return { ...container, content, format: requireModelFormat(content) };
};

/**
 * Decrypts a file that is in memory.
 * @throws as `openEncrypted`
 */
export const decryptModel = async (
  bytes: Uint8Array,
  key: string,
  cipher?: Cipher,
): Promise<DecryptedModel> => {
  const { container, inputName, content } = await openEncrypted(readableBytes(bytes), key, cipher);
  return { container, inputName, payload: content.whole() };
};

const splitContainer = (file: Readable, container: 'tlt' | 'etlt') => {
  const prefix = container === 'etlt' ? parsePrefix(file.read(0, startBytes)) : undefined;
  return {
    container,
    inputName: prefix?.inputName ?? '',
    encrypted: readableFrom(file, prefix?.payloadAt ?? 0),
  };
};

/** True for ciphertext of another tool. A file that contains the age magic is a damaged file of this project. */
const canBeForeign = (bytes: Uint8Array, format: FileFormat): boolean =>
  format === 'foreign' || (format === 'unknown' && !containsAge(bytes));

/** NVIDIA's cipher has no integrity check, so a wrong key shows only in the decrypted bytes. */
const requireModelFormat = (payload: Readable): FileFormat => {
  const format = detectFileFormat(payload);
  if (modelFormats.includes(format)) return format;
  throw new UserError(
    'WrongKey',
    `Decrypting the model: the decrypted data (${payload.size} bytes) is neither ONNX nor Keras HDF5 nor UFF. The cipher cannot detect a wrong key: check the key first, then whether the codec matches the tool that encrypted the file.`,
  );
};

const modelFormats: readonly FileFormat[] = ['onnx', 'hdf5', 'uff'];

/** Unauthenticated facts about an encrypted file, readable without its key. */
export type ContainerDescription = Container & {
  /** log2 of scrypt's N; undefined if the header does not contain it. */
  readonly workFactor: number | undefined;
  /** Plaintext bytes; undefined if the header is incomplete. */
  readonly payloadBytes: number | undefined;
};

/** Describes a `.tlt` or `.etlt` without its key. */
export const describeContainer = (file: Readable, container: 'tlt' | 'etlt'): ContainerDescription => {
  const { inputName, encrypted } = splitContainer(file, container);
  return { container, inputName, ...describeAge(encrypted) };
};

const requireKey = (key: string): void => {
  if (key === '')
    throw new UserError(
      'KeyMissing',
      'Opening the model: the key is empty. Give the key that the model is encrypted with.',
    );
};

const notDecryptable = (bytes: Uint8Array, format: FileFormat): UserError => {
  if (format === 'foreign')
    return new UserError(
      'ModelForeign',
      "Decrypting the model: the file appears to be encrypted by NVIDIA's tools, whose key derivation is not public. " +
        "Use the model as plain ONNX (the export format of TAO 5) or as a Keras .hdf5, or name a program that decrypts it, such as a wrapper for NVIDIA's package, by --codec_command or spec.codec.",
    );
  const found =
    format === 'unknown' ? describeUnreadable(bytes) : `it is not encrypted (its format: ${format})`;
  return new UserError('ModelInvalid', `Decrypting the model (${bytes.length} bytes): ${found}.`);
};

const describeUnreadable = (bytes: Uint8Array): string => {
  if (bytes.length < 4 + ageMagic.length) return 'the file is truncated; copy it again from its source';
  return containsAge(bytes)
    ? 'the bytes before the encrypted part are not an .etlt prefix; copy the file again from its source'
    : 'it is neither a .tlt nor an .etlt; check that this is the model file';
};

const containsAge = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 4096)).toString('latin1').includes(ageMagic);
