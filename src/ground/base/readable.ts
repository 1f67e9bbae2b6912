/** Random access to bytes: of a file, in memory, or decrypted on the fly. */
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { UserError } from './errors.ts';
import { type LimitName, requireWithin } from './limits.ts';

export type Readable = {
  /** Size in bytes. */
  readonly size: number;
  /** Up to `length` bytes from `offset`; valid until the next call. */
  readonly read: (offset: number, length: number) => Uint8Array;
  /** All bytes. */
  readonly whole: () => Uint8Array;
};

/** Non-blocking, so that opening a pipe returns at once and it can be rejected. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens a regular file until it is disposed of.
 * @throws UserError InputNotFound for a folder, pipe, socket or device, which have no size; system errors as they are
 */
export const openReadable = (path: string): Readable & Disposable => {
  const handle = openSync(path, flags);
  try {
    return readableOf(path, handle, sizeOf(path, fstatSync(handle)));
  } catch (thrown) {
    closeSync(handle);
    throw thrown;
  }
};

/**
 * The content of a regular file.
 * @throws UserError as `openReadable`, and InputNotFound for a file above the limit; system errors as they are
 */
export const readRegular = (path: string, limit: LimitName = 'fileBytes'): Uint8Array => {
  using file = openReadable(path);
  requireWithin(limit, { claimed: file.size, reason: 'InputNotFound', found: `Reading ${path}: it has` });
  return file.whole();
};

/**
 * The content of a file or pipe, of which no more than the limit is read.
 * @throws UserError InputNotFound above the limit; system errors as they are
 */
export const readBounded = async (path: string, limit: LimitName): Promise<Buffer> => {
  const parts: Buffer[] = [];
  let claimed = 0;
  for await (const part of createReadStream(path)) {
    claimed += (part as Buffer).length;
    requireWithin(limit, { claimed, reason: 'InputNotFound', found: `Reading ${path}: it has at least` });
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts);
};

/** Whether the path is an existing folder, or a link to one. */
export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() === true;

/** A file handle for reading a regular file. @throws UserError as `openReadable`; system errors as they are */
export const openRegular = async (path: string): Promise<FileHandle> => {
  const handle = await open(path, flags);
  try {
    sizeOf(path, await handle.stat());
    return handle;
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
};

const sizeOf = (path: string, stats: Stats): number => {
  if (stats.isFile()) return stats.size;
  throw new UserError(
    'InputNotFound',
    `Reading ${path}: it is ${kindOf(stats)}, but a regular file is required. Check the path, or copy the content to a file.`,
  );
};

const kindOf = (stats: Stats): string => {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
};

const readableOf = (path: string, handle: number, size: number): Readable & Disposable => {
  let buffer = new Uint8Array(2 ** 16);
  const read = (offset: number, length: number): Uint8Array => {
    const wanted = Math.max(0, Math.min(length, size - offset));
    if (wanted > buffer.length) buffer = new Uint8Array(wanted);
    return buffer.subarray(0, readFully(handle, buffer.subarray(0, wanted), offset));
  };
  const whole = (): Uint8Array => {
    requireWithin('fileBytes', { claimed: size, reason: 'InputNotFound', found: `Reading ${path}: it has` });
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, readFully(handle, bytes, 0));
  };
  return { size, read, whole, [Symbol.dispose]: () => closeSync(handle) };
};

/** Repeats short reads: Linux returns at most 2 GiB per call, and network file systems return less. */
const readFully = (handle: number, bytes: Uint8Array, offset: number): number => {
  let end = 0;
  while (end < bytes.length) {
    const read = readSync(handle, bytes, end, Math.min(bytes.length - end, maxReadBytes), offset + end);
    if (read === 0) break;
    end += read;
  }
  return end;
};

const maxReadBytes = 2 ** 30;

/** A `Readable` over bytes in memory. */
export const readableBytes = (bytes: Uint8Array): Readable => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
  whole: () => bytes,
});

/** All bytes in chunks of 1 MiB; each is valid until the next. */
export function* readChunks(source: Readable): Generator<Uint8Array> {
  for (let at = 0; at < source.size; at += chunkBytes) yield source.read(at, chunkBytes);
}

const chunkBytes = 2 ** 20;

/** Passes chunks through, and throws the signal's reason once it is aborted. */
export function* untilAborted(pieces: Iterable<Uint8Array>, signal: AbortSignal): Generator<Uint8Array> {
  for (const piece of pieces) {
    signal.throwIfAborted();
    yield piece;
  }
}

/** Concatenates several sequences of chunks. */
export function* concatChunks(...parts: readonly Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const part of parts) yield* part;
}

/** A view that skips the first `start` bytes. */
export const readableFrom = (source: Readable, start: number): Readable => ({
  size: source.size - start,
  read: (offset, length) => source.read(start + offset, length),
  whole: () => source.whole().subarray(start),
});
