/**
 * The unencrypted prefix of an `.etlt`, which precedes the age file: int32 little-endian length of the name of the input
 * node, then the name in UTF-8, as DeepStream reads it. The length is 0 for ONNX.
 */
import { UserError } from '../../ground/base/errors.ts';

/** A parsed prefix. */
export type EtltPrefix = {
  /** Empty for an ONNX payload. */
  readonly inputName: string;
  /** Offset of the encrypted payload. */
  readonly payloadAt: number;
};

/** Maximum length of the name. A larger number in the first four bytes is not a length. */
const inputNameLimitBytes = 1024;

/**
 * Writes the prefix.
 * @throws UserError Usage (name too long)
 */
export const writePrefix = (inputName: string): Uint8Array => {
  const name = new TextEncoder().encode(inputName);
  if (name.length > inputNameLimitBytes)
    throw new UserError(
      'Usage',
      `Writing the .etlt: the input node's name has ${name.length} bytes; the limit is ${inputNameLimitBytes}. Use a shorter name.`,
    );
  const prefix = new Uint8Array(4 + name.length);
  new DataView(prefix.buffer).setInt32(0, name.length, true);
  prefix.set(name, 4);
  return prefix;
};

/** Parses the prefix; undefined if the bytes cannot be one. */
export const parsePrefix = (bytes: Uint8Array): EtltPrefix | undefined => {
  if (bytes.length < 4) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true);
  const payloadAt = 4 + length;
  if (length < 0 || length > inputNameLimitBytes || payloadAt > bytes.length) return undefined;
  try {
    const inputName = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(4, payloadAt),
    );
    return /\p{Cc}/u.test(inputName) ? undefined : { inputName, payloadAt };
  } catch {
    return undefined; // not UTF-8, so not a name
  }
};
