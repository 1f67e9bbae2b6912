/**
 * `.tlt` and `.etlt`. An `.etlt` is what DeepStream reads on the outside (int32 little-endian length of the input
 * node's name, the name; 0 for ONNX) and an age v1 passphrase file after that; a `.tlt` is the age file alone. So
 * `tail -c +5 model.etlt | age -d` opens an ONNX one. NVIDIA's own cipher is not read: its key derivation is not public.
 */
import { UserError } from '../base/errors.ts';
import {
  ageMagic,
  decryptWithPassphrase,
  describeAge,
  encryptWithPassphrase,
  type PassphraseOptions,
} from './age-passphrase.ts';
import { detectFormat, type FileFormat, inputNameLimitBytes, parsePrefix } from './detect-format.ts';

/** Encrypts a payload (ONNX, Keras HDF5) as a `.tlt`. The key is the bytes of its UTF-8 text. */
export const encryptTlt = async (
  payload: Uint8Array,
  key: string,
  options?: PassphraseOptions,
): Promise<Uint8Array> => {
  refuseEmpty(key);
  return encryptWithPassphrase(payload, key, options);
};

/** Encrypts a payload as an `.etlt`; an empty `inputName` says that it is ONNX. */
export const encryptEtlt = async (
  payload: Uint8Array,
  key: string,
  { inputName = '', ...options }: PassphraseOptions & { readonly inputName?: string } = {},
): Promise<Uint8Array> => {
  const name = new TextEncoder().encode(inputName);
  if (name.length > inputNameLimitBytes)
    throw new UserError(
      'Usage',
      `Writing the .etlt: the input node's name has ${name.length} bytes. Use a shorter one.`,
    );
  const encrypted = await encryptTlt(payload, key, options);
  const bytes = new Uint8Array(4 + name.length + encrypted.length);
  new DataView(bytes.buffer).setInt32(0, name.length, true);
  bytes.set(name, 4);
  bytes.set(encrypted, 4 + name.length);
  return bytes;
};

export type DecryptedModel = {
  readonly container: 'tlt' | 'etlt';
  /** The input node's name in an `.etlt`'s prefix; empty for ONNX and in a `.tlt`. Not covered by the encryption. */
  readonly inputName: string;
  readonly payload: Uint8Array;
};

/**
 * Opens a `.tlt` or `.etlt`; which of them is read from the bytes.
 * @throws UserError WrongKey, ModelInvalid (cut short, altered, not encrypted), ModelForeign (NVIDIA's cipher)
 */
export const decryptModel = async (bytes: Uint8Array, key: string): Promise<DecryptedModel> => {
  refuseEmpty(key);
  const format = detectFormat(bytes);
  if (format !== 'tlt' && format !== 'etlt') throw notOurs(bytes, format);
  const prefix = format === 'etlt' ? parsePrefix(bytes) : undefined;
  const encrypted = bytes.subarray(prefix?.payloadAt ?? 0);
  return {
    container: format,
    inputName: prefix?.inputName ?? '',
    payload: await decryptWithPassphrase(encrypted, key),
  };
};

export type ContainerDescription = {
  readonly container: 'tlt' | 'etlt';
  readonly inputName: string;
  /** log2 of scrypt's N, or undefined where the header does not say. */
  readonly workFactor: number | undefined;
  /** Size of what is inside, or undefined where the header does not end. */
  readonly payloadBytes: number | undefined;
};

/** What a `.tlt` or `.etlt` tells without its key. Nothing here is authenticated. */
export const describeContainer = (bytes: Uint8Array, container: 'tlt' | 'etlt'): ContainerDescription => {
  const prefix = container === 'etlt' ? parsePrefix(bytes) : undefined;
  const encrypted = bytes.subarray(prefix?.payloadAt ?? 0);
  return { container, inputName: prefix?.inputName ?? '', ...describeAge(encrypted) };
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
        "Give the model as plain ONNX (what TAO 5 exports) or as a Keras .hdf5, or open it with NVIDIA's own package first and encrypt the result with `tlt-model pack`.",
    );
  const found = format === 'unknown' ? unreadable(bytes) : `it is not encrypted (its format: ${format})`;
  return new UserError('ModelInvalid', `Decrypting the model (${bytes.length} bytes): ${found}.`);
};

const unreadable = (bytes: Uint8Array): string => {
  if (bytes.length < 4 + ageMagic.length)
    return 'the file is cut short; copy it again from where it was made';
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  return start.includes(ageMagic)
    ? 'what stands before the encrypted part is no .etlt prefix; copy the file again from where it was made'
    : 'it is neither a .tlt nor an .etlt; check that this is the model file';
};
