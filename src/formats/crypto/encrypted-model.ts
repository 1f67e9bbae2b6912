/**
 * `.tlt` and `.etlt`. An `.etlt` is what DeepStream reads on the outside (int32 little-endian length of the input
 * node's name, the name; 0 for ONNX) and an age v1 passphrase file after that; a `.tlt` is the age file alone. So
 * `tail -c +5 model.etlt | age -d` opens an ONNX one. NVIDIA's own cipher has no public key derivation: it is read and
 * written by a cipher that the user brings.
 */
import { UserError } from '../../ground/base/errors.ts';
import { inOrder, type Readable, readableBytes, readableFrom } from '../../ground/base/readable.ts';
import {
  ageMagic,
  describeAge,
  encryptWithPassphrase,
  openWithPassphrase,
  type PassphraseOptions,
} from './age-passphrase.ts';
import {
  detectFormat,
  type FileFormat,
  formatAtStart,
  inputNameLimitBytes,
  parsePrefix,
  startBytes,
} from './detect-format.ts';

/** A cipher for the encrypted part of a file alone: it never sees the prefix of an `.etlt`. */
export type Cipher = {
  readonly encrypt: (payload: Uint8Array, key: string) => Promise<Uint8Array>;
  readonly decrypt: (encrypted: Uint8Array, key: string) => Promise<Uint8Array>;
};

export type EncryptOptions = PassphraseOptions & {
  /** In place of age. */
  readonly cipher?: Cipher | undefined;
};

/**
 * A file to be written, in the order of its bytes. Pieces are made as they are taken, once: what is encrypted must stay as it is
 * until the last.
 */
export type Pieces = Iterable<Uint8Array>;

/** Encrypts a payload (ONNX, Keras HDF5) as a `.tlt`. The key is the bytes of its UTF-8 text. */
export const encryptTlt = async (
  payload: Readable,
  key: string,
  { cipher, ...options }: EncryptOptions = {},
): Promise<Pieces> => {
  refuseEmpty(key);
  return cipher ? [await cipher.encrypt(payload.whole(), key)] : encryptWithPassphrase(payload, key, options);
};

/** Encrypts a payload as an `.etlt`; an empty `inputName` says that it is ONNX. */
export const encryptEtlt = async (
  payload: Readable,
  key: string,
  { inputName = '', ...options }: EncryptOptions & { readonly inputName?: string } = {},
): Promise<Pieces> => {
  const name = new TextEncoder().encode(inputName);
  if (name.length > inputNameLimitBytes)
    throw new UserError(
      'Usage',
      `Writing the .etlt: the input node's name has ${name.length} bytes. Use a shorter one.`,
    );
  const prefix = new Uint8Array(4 + name.length);
  new DataView(prefix.buffer).setInt32(0, name.length, true);
  prefix.set(name, 4);
  return inOrder([prefix], await encryptTlt(payload, key, options));
};

type Container = {
  readonly container: 'tlt' | 'etlt';
  /** The input node's name in an `.etlt`'s prefix; empty for ONNX and in a `.tlt`. Not covered by the encryption. */
  readonly inputName: string;
};

export type DecryptedModel = Container & { readonly payload: Uint8Array };

/** A file that is opened; of age's, `read` and `whole` throw UserError ModelInvalid for what is not as it was written. */
export type OpenedContainer = Container & { readonly content: Readable };

/**
 * Opens a `.tlt` or `.etlt`; which of them it is, is read from the bytes. Of a file of age no more than its header is read
 * before its content is. Any other file is opened by `cipher`, as a whole.
 * @throws UserError WrongKey, ModelInvalid (cut short, altered, not encrypted), ModelForeign (no cipher for it), and
 * what the cipher throws
 */
export const openEncrypted = async (
  file: Readable,
  key: string,
  cipher?: Cipher,
): Promise<OpenedContainer> => {
  refuseEmpty(key);
  const format = formatAtStart(file);
  if (format !== 'tlt' && format !== 'etlt') return openForeign(file.whole(), key, cipher);
  const { encrypted, ...container } = partsOf(file, format);
  return { ...container, content: await openWithPassphrase(encrypted, key) };
};

const openForeign = async (
  bytes: Uint8Array,
  key: string,
  cipher: Cipher | undefined,
): Promise<OpenedContainer> => {
  const format = detectFormat(bytes);
  if (cipher === undefined || !canBeForeign(bytes, format)) throw notOurs(bytes, format);
  const kind = parsePrefix(bytes) ? 'etlt' : 'tlt';
  const { encrypted, ...container } = partsOf(readableBytes(bytes), kind);
  const payload = requireModel(await cipher.decrypt(encrypted.whole(), key));
  return { ...container, content: readableBytes(payload) };
};

/** The same for a file in memory. @throws as `openEncrypted` */
export const decryptModel = async (
  bytes: Uint8Array,
  key: string,
  cipher?: Cipher,
): Promise<DecryptedModel> => {
  const { content, ...container } = await openEncrypted(readableBytes(bytes), key, cipher);
  return { ...container, payload: content.whole() };
};

const partsOf = (file: Readable, container: 'tlt' | 'etlt') => {
  const prefix = container === 'etlt' ? parsePrefix(file.read(0, startBytes)) : undefined;
  return {
    container,
    inputName: prefix?.inputName ?? '',
    encrypted: readableFrom(file, prefix?.payloadAt ?? 0),
  };
};

/** Ciphertext without a known beginning; what holds age's magic somewhere is a damaged file of ours. */
const canBeForeign = (bytes: Uint8Array, format: FileFormat): boolean =>
  format === 'foreign' || (format === 'unknown' && !holdsAge(bytes));

/** NVIDIA's cipher has no integrity check: only what comes out tells whether the key was right. */
const requireModel = (payload: Uint8Array): Uint8Array => {
  if (modelFormats.includes(detectFormat(payload))) return payload;
  throw new UserError(
    'WrongKey',
    `Decrypting the model: what came out (${payload.length} bytes) is neither ONNX nor Keras HDF5 nor UFF. The cipher does not tell a wrong key from a right one, so look at the key first, then whether the codec is the one that the file was encrypted by.`,
  );
};

const modelFormats: readonly FileFormat[] = ['onnx', 'hdf5', 'uff'];

export type ContainerDescription = Container & {
  /** log2 of scrypt's N, or undefined where the header does not say. */
  readonly workFactor: number | undefined;
  /** Size of what is inside, or undefined where the header does not end. */
  readonly payloadBytes: number | undefined;
};

/** What a `.tlt` or `.etlt` tells without its key. Nothing here is authenticated. */
export const describeContainer = (file: Readable, container: 'tlt' | 'etlt'): ContainerDescription => {
  const { inputName, encrypted } = partsOf(file, container);
  return { container, inputName, ...describeAge(encrypted) };
};

const refuseEmpty = (key: string): void => {
  if (key === '')
    throw new UserError(
      'KeyMissing',
      'Opening the model: the key is empty. Give the key that the model is encrypted with.',
    );
};

const notOurs = (bytes: Uint8Array, format: FileFormat): UserError => {
  if (format === 'foreign')
    return new UserError(
      'ModelForeign',
      "Decrypting the model: the file looks like one encrypted by NVIDIA's own tools, whose key derivation is not public. " +
        "Give the model as plain ONNX (what TAO 5 exports) or as a Keras .hdf5, or name a program that opens it, such as a wrapper of NVIDIA's own package: --codec_command, or spec.codec of a ModelExport.",
    );
  const found = format === 'unknown' ? unreadable(bytes) : `it is not encrypted (its format: ${format})`;
  return new UserError('ModelInvalid', `Decrypting the model (${bytes.length} bytes): ${found}.`);
};

const unreadable = (bytes: Uint8Array): string => {
  if (bytes.length < 4 + ageMagic.length)
    return 'the file is cut short; copy it again from where it was made';
  return holdsAge(bytes)
    ? 'what stands before the encrypted part is no .etlt prefix; copy the file again from where it was made'
    : 'it is neither a .tlt nor an .etlt; check that this is the model file';
};

const holdsAge = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 4096)).toString('latin1').includes(ageMagic);
