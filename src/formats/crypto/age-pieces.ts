/**
 * The payload of an age v1 file (https://age-encryption.org/v1, "Payload"): a nonce of 16 bytes, then pieces of 64 KiB, each
 * sealed by ChaCha20-Poly1305 under a number that counts them and marks the last. So pieces can be made one after the other,
 * and any of them can be opened alone. Node's OpenSSL does 480 MB/s where the package's JavaScript does 60.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { UserError } from '../../ground/base/errors.ts';
import type { Readable } from '../../ground/base/readable.ts';

export const payloadNonceBytes = 16;
const pieceBytes = 65_536;
const tagBytes = 16;
const sealedBytes = pieceBytes + tagBytes;
const algorithm = 'chacha20-poly1305';

/** Of one payload: the file's key (16 bytes) and its nonce make it. */
export const payloadKey = (fileKey: Uint8Array, nonce: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));

/** Sealed pieces, one at a time. @throws UserError ModelInvalid if the payload ends before its size */
export function* sealedPieces(payload: Readable, key: Buffer): Generator<Uint8Array> {
  const last = Math.max(1, Math.ceil(payload.size / pieceBytes)) - 1;
  for (let index = 0; index <= last; index += 1) {
    const cipher = createCipheriv(algorithm, key, nonceOf(index, last), { authTagLength: tagBytes });
    yield cipher.update(pieceOf(payload, index));
    cipher.final();
    yield cipher.getAuthTag();
  }
}

const pieceOf = (payload: Readable, index: number): Uint8Array => {
  const at = index * pieceBytes;
  const bytes = payload.read(at, pieceBytes);
  if (bytes.length === Math.min(pieceBytes, payload.size - at)) return bytes;
  throw new UserError(
    'ModelInvalid',
    `Encrypting the model: its file ends at byte ${at + bytes.length}, and had ${payload.size} when it was opened. Wait until it is written, then do it again.`,
  );
};

/** Eleven bytes count, the twelfth is 1 for the last piece. */
const nonceOf = (index: number, last: number): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = index === last ? 1 : 0;
  return nonce;
};

/** What is left of `bytes` of pieces without their tags; undefined where no pieces can be so long. */
export const payloadBytesOf = (bytes: number): number | undefined => {
  const pieces = Math.ceil(bytes / sealedBytes);
  const payload = bytes - pieces * tagBytes;
  const isShort = bytes < tagBytes || payload < 0;
  const hasEmptyEnd = pieces > 1 && payload <= (pieces - 1) * pieceBytes;
  return isShort || hasEmptyEnd ? undefined : payload;
};

/** A whole payload, whose pieces are opened when they are read. Reads throw Error for a piece that is not as it was written. */
export const openedPieces = (sealed: Readable, key: Buffer): Readable => {
  const size = payloadBytesOf(sealed.size);
  if (size === undefined) throw new Error(`${sealed.size} bytes are no whole pieces`);
  const last = Math.ceil(sealed.size / sealedBytes) - 1;
  const fill = filling((index) => openedPiece(sealed, { index, last, key }));
  let buffer = new Uint8Array(pieceBytes); // one for all reads: a collector would come late
  const read = (offset: number, length: number): Uint8Array => {
    const wanted = Math.max(0, Math.min(length, size - offset));
    if (wanted > buffer.length) buffer = new Uint8Array(wanted);
    return fill(buffer.subarray(0, wanted), offset);
  };
  const whole = (): Uint8Array => {
    if (size === 0) openedPiece(sealed, { index: 0, last, key }); // it has a tag, too
    return fill(new Uint8Array(size), 0);
  };
  return { size, read, whole };
};

/** Fills bytes from the pieces that have them, and keeps the last piece: small reads follow each other closely. */
const filling = (open: (index: number) => Uint8Array) => {
  const kept = { index: -1, bytes: new Uint8Array() };
  const piece = (index: number): Uint8Array => {
    if (index !== kept.index) Object.assign(kept, { index, bytes: open(index) });
    return kept.bytes;
  };
  return (bytes: Uint8Array, offset: number): Uint8Array => {
    for (let end = 0; end < bytes.length; ) {
      const [index, within] = [Math.floor((offset + end) / pieceBytes), (offset + end) % pieceBytes];
      const part = piece(index).subarray(within, within + bytes.length - end);
      bytes.set(part, end);
      end += part.length;
    }
    return bytes;
  };
};

type Piece = { readonly index: number; readonly last: number; readonly key: Buffer };

const openedPiece = (sealed: Readable, { index, last, key }: Piece): Uint8Array => {
  const bytes = sealed.read(index * sealedBytes, sealedBytes);
  if (bytes.length < tagBytes) throw new Error(`piece ${index} of ${last + 1} is missing`);
  const decipher = createDecipheriv(algorithm, key, nonceOf(index, last), { authTagLength: tagBytes });
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const payload = decipher.update(bytes.subarray(0, bytes.length - tagBytes));
  try {
    decipher.final();
    return payload;
  } catch {
    throw new Error(`piece ${index} of ${last + 1} does not fit its tag`); // final() throws for nothing else
  }
};

/** Opens every piece once and keeps none. Throws as a read does. */
export const proveWhole = (payload: Readable): void => {
  for (let at = 0; at === 0 || at < payload.size; at += pieceBytes) payload.read(at, pieceBytes);
};
