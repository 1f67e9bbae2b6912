/** Checks the content of a copy while it is written. */
import { createHash } from 'node:crypto';
import { UserError } from './errors.ts';

/** Size and SHA-256 that a file must have. The size is not always known. */
export type ExpectedContent = { readonly sha256: string; readonly sizeBytes?: number | undefined };

/** The running check of one copy. */
export type ContentCheck = {
  /** Bytes so far. */
  readonly size: () => number;
  /** @throws UserError DigestMismatch once there are more bytes than expected */
  readonly add: (chunk: Uint8Array) => void;
  /** @throws UserError DigestMismatch unless all bytes were added and they have the digest */
  readonly finish: () => void;
};

/**
 * Starts a check.
 * @param name the file, for the error message
 */
export const checkContent = (name: string, { sha256, sizeBytes }: ExpectedContent): ContentCheck => {
  const hash = createHash('sha256');
  let size = 0;
  const mismatch = (found: string): UserError =>
    new UserError(
      'DigestMismatch',
      `Fetching ${name}: ${found}, but ${sha256}${sizeBytes === undefined ? '' : ` in ${sizeBytes} bytes`} is required. Nothing was written. Restore the stored file, or correct the digest.`,
    );
  return {
    size: () => size,
    add: (chunk) => {
      size += chunk.byteLength;
      if (sizeBytes !== undefined && size > sizeBytes) throw mismatch('it has more bytes');
      hash.update(chunk);
    },
    finish: () => {
      const found = hash.digest('hex');
      if (found === sha256 && (sizeBytes === undefined || sizeBytes === size)) return;
      throw mismatch(`its sha256 is ${found} in ${size} bytes`);
    },
  };
};

/** Passes the chunks through. @throws UserError DigestMismatch after the last one, if the content is not as expected */
export function* verifyChunks(
  chunks: Iterable<Uint8Array>,
  name: string,
  expected: ExpectedContent,
): Generator<Uint8Array> {
  const check = checkContent(name, expected);
  for (const chunk of chunks) {
    check.add(chunk);
    yield chunk;
  }
  check.finish();
}
