/** Bytes that are read where they are wanted: of a file on the disk, in memory, or behind a cipher. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { UserError } from './errors.ts';
import { type LimitName, requireWithin } from './limits.ts';

export type Readable = {
  /** In bytes. */
  readonly size: number;
  /** The bytes from `offset` on, fewer at the end; valid until the next call. */
  readonly read: (offset: number, length: number) => Uint8Array;
  /** All of them. */
  readonly whole: () => Uint8Array;
};

/** Without blocking: the open of a pipe returns at once, so that it can be refused. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * A regular file of the disk, open until it is disposed of. Throws what the system says.
 * @throws UserError InputNotFound for a folder, pipe, socket or device: these have no size, and some have no end
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
 * The whole content of a regular file. Throws what the system says.
 * @throws UserError as `openReadable`, and InputNotFound for a file beyond the limit
 */
export const readRegular = (path: string, limit: LimitName = 'fileBytes'): Uint8Array => {
  using file = openReadable(path);
  requireWithin(limit, { claimed: file.size, reason: 'InputNotFound', found: `Reading ${path}: it has` });
  return file.whole();
};

/** A handle of a regular file, to be read. Throws what the system says. @throws UserError as `openReadable` */
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
    `Reading ${path}: it is ${kindOf(stats)}, and a regular file is needed. Check the path, or copy its content into a file.`,
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

/** One read of the system gives at most 2 GiB, and network file systems less. */
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

export const readableBytes = (bytes: Uint8Array): Readable => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
  whole: () => bytes,
});

/** All of them, some at a time. */
export function* readChunks(source: Readable): Generator<Uint8Array> {
  for (let at = 0; at < source.size; at += chunkBytes) yield source.read(at, chunkBytes);
}

const chunkBytes = 2 ** 20;

/** The same pieces, until the signal is aborted: then its reason is thrown. */
export function* untilAborted(pieces: Iterable<Uint8Array>, signal: AbortSignal): Generator<Uint8Array> {
  for (const piece of pieces) {
    signal.throwIfAborted();
    yield piece;
  }
}

/** The pieces of one part after the other. */
export function* concatChunks(...parts: readonly Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const part of parts) yield* part;
}

/** What lies behind the first `start` bytes. */
export const readableFrom = (source: Readable, start: number): Readable => ({
  size: source.size - start,
  read: (offset, length) => source.read(start + offset, length),
  whole: () => source.whole().subarray(start),
});
