/**
 * The payload of an age v1 file (https://age-encryption.org/v1, "Payload"): a 16-byte nonce, then 64 KiB chunks. Each
 * chunk is encrypted by ChaCha20-Poly1305 with a nonce that holds the chunk's index and marks the last chunk. Chunks
 * can therefore be written one after the other and read in any order. Node's OpenSSL encrypts 480 MB/s; the JavaScript
 * of the age-encryption package encrypts 60 MB/s (its stream API: 38 to 54 MB/s beside 147 to 241 MB/s of this file, measured
 * together on a busy machine with 64 MiB), so only its code that reads headers is used.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { UserError } from '../../ground/base/errors.ts';
import type { Readable } from '../../ground/base/readable.ts';

/** Length of the nonce in front of the chunks. */
export const payloadNonceBytes = 16;
const chunkBytes = 65_536;
const tagBytes = 16;
const encryptedChunkBytes = chunkBytes + tagBytes;
const algorithm = 'chacha20-poly1305';

/** Derives the 32-byte payload key from the file key (16 bytes) and the nonce (16 bytes). */
export const derivePayloadKey = (fileKey: Uint8Array, nonce: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));

/**
 * Encrypts a payload chunk by chunk; yields ciphertext and tags in file order.
 * @throws UserError ModelInvalid if the payload ends before its size
 */
export function* sealChunks(payload: Readable, key: Buffer): Generator<Uint8Array> {
  const last = Math.max(1, Math.ceil(payload.size / chunkBytes)) - 1;
  for (let index = 0; index <= last; index += 1) {
    const cipher = createCipheriv(algorithm, key, nonceOf(index, last), { authTagLength: tagBytes });
    yield cipher.update(readChunk(payload, index));
    cipher.final();
    yield cipher.getAuthTag();
  }
}

const readChunk = (payload: Readable, index: number): Uint8Array => {
  const at = index * chunkBytes;
  const bytes = payload.read(at, chunkBytes);
  if (bytes.length === Math.min(chunkBytes, payload.size - at)) return bytes;
  throw new UserError(
    'ModelInvalid',
    `Encrypting the model: the file ends at byte ${at + bytes.length}; it had ${payload.size} bytes when it was opened. Wait until it is fully written, then try again.`,
  );
};

/** 11 bytes of big-endian chunk index, then 1 for the last chunk, 0 for any other. */
const nonceOf = (index: number, last: number): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = index === last ? 1 : 0;
  return nonce;
};

/** Plaintext bytes in `bytes` bytes of encrypted chunks; undefined if no sequence of chunks has that length. */
export const payloadBytesOf = (bytes: number): number | undefined => {
  const chunks = Math.ceil(bytes / encryptedChunkBytes);
  const payload = bytes - chunks * tagBytes;
  const isShort = bytes < tagBytes || payload < 0;
  const hasEmptyEnd = chunks > 1 && payload <= (chunks - 1) * chunkBytes;
  return isShort || hasEmptyEnd ? undefined : payload;
};

/**
 * Random access to a payload; chunks are decrypted when they are read. A returned buffer is valid until the next read.
 * @throws Error, here or in a read, for a chunk that is missing or altered
 */
export const openChunks = (encrypted: Readable, key: Buffer): Readable => {
  const size = payloadBytesOf(encrypted.size);
  if (size === undefined) throw new Error(`${encrypted.size} bytes are not a whole number of chunks`);
  const last = Math.ceil(encrypted.size / encryptedChunkBytes) - 1;
  const fill = fillFromChunks((index) => openChunk(encrypted, { index, last, key }));
  let buffer = new Uint8Array(chunkBytes); // reused by all reads, because garbage collection would lag behind
  const read = (offset: number, length: number): Uint8Array => {
    const wanted = Math.max(0, Math.min(length, size - offset));
    if (wanted > buffer.length) buffer = new Uint8Array(wanted);
    return fill(buffer.subarray(0, wanted), offset);
  };
  const whole = (): Uint8Array => {
    if (size === 0) openChunk(encrypted, { index: 0, last, key }); // an empty payload has one chunk, whose tag must match
    return fill(new Uint8Array(size), 0);
  };
  return { size, read, whole };
};

/** Copies bytes from the chunks that hold them. The last chunk is cached, because small reads are usually adjacent. */
const fillFromChunks = (open: (index: number) => Uint8Array) => {
  const cached = { index: -1, bytes: new Uint8Array() };
  const chunk = (index: number): Uint8Array => {
    if (index !== cached.index) Object.assign(cached, { index, bytes: open(index) });
    return cached.bytes;
  };
  return (bytes: Uint8Array, offset: number): Uint8Array => {
    for (let end = 0; end < bytes.length; ) {
      const [index, within] = [Math.floor((offset + end) / chunkBytes), (offset + end) % chunkBytes];
      const part = chunk(index).subarray(within, within + bytes.length - end);
      bytes.set(part, end);
      end += part.length;
    }
    return bytes;
  };
};

type ChunkPosition = { readonly index: number; readonly last: number; readonly key: Buffer };

const openChunk = (encrypted: Readable, { index, last, key }: ChunkPosition): Uint8Array => {
  const bytes = encrypted.read(index * encryptedChunkBytes, encryptedChunkBytes);
  if (bytes.length < tagBytes) throw new Error(`chunk ${index} of ${last + 1} is missing`);
  const decipher = createDecipheriv(algorithm, key, nonceOf(index, last), { authTagLength: tagBytes });
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const payload = decipher.update(bytes.subarray(0, bytes.length - tagBytes));
  try {
    decipher.final();
    return payload;
  } catch {
    throw new Error(`chunk ${index} of ${last + 1} does not match its tag`); // final() throws for nothing else
  }
};

/**
 * Decrypts and authenticates every chunk without keeping it.
 * @throws as a read of the payload does
 */
export const verifyPayload = (payload: Readable): void => {
  for (let at = 0; at === 0 || at < payload.size; at += chunkBytes) payload.read(at, chunkBytes);
};
