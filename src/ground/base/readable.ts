/** Bytes that are read where they are wanted: of a file on the disk, in memory, or behind a cipher. */
import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';

export type Readable = {
  /** In bytes. */
  readonly size: number;
  /** The bytes from `offset` on, fewer at the end; valid until the next call. */
  readonly read: (offset: number, length: number) => Uint8Array;
  /** All of them. */
  readonly whole: () => Uint8Array;
};

/** A file of the disk, open until it is disposed of; a pipe is read to its end. Throws what the system says. */
export const openReadable = (path: string): Readable & Disposable => {
  if (!statSync(path).isFile())
    return { ...readableBytes(readFileSync(path)), [Symbol.dispose]: () => undefined };
  const handle = openSync(path, 'r');
  const { size } = fstatSync(handle);
  let buffer = new Uint8Array(2 ** 16);
  const read = (offset: number, length: number): Uint8Array => {
    const wanted = Math.max(0, Math.min(length, size - offset));
    if (wanted > buffer.length) buffer = new Uint8Array(wanted);
    return buffer.subarray(0, filled(handle, buffer.subarray(0, wanted), offset));
  };
  const whole = (): Uint8Array => {
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, filled(handle, bytes, 0));
  };
  return { size, read, whole, [Symbol.dispose]: () => closeSync(handle) };
};

/** One read of the system gives at most 2 GiB, and network file systems less. */
const filled = (handle: number, bytes: Uint8Array, offset: number): number => {
  let end = 0;
  while (end < bytes.length) {
    const read = readSync(handle, bytes, end, Math.min(bytes.length - end, mostAtOnce), offset + end);
    if (read === 0) break;
    end += read;
  }
  return end;
};

const mostAtOnce = 2 ** 30;

export const readableBytes = (bytes: Uint8Array): Readable => ({
  size: bytes.length,
  read: (offset, length) => bytes.subarray(offset, offset + length),
  whole: () => bytes,
});

/** All of them, some at a time. */
export function* piecesOf(source: Readable): Generator<Uint8Array> {
  for (let at = 0; at < source.size; at += pieceBytes) yield source.read(at, pieceBytes);
}

const pieceBytes = 2 ** 20;

/** The pieces of one part after the other. */
export function* inOrder(...parts: readonly Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const part of parts) yield* part;
}

/** What lies behind the first `start` bytes. */
export const readableFrom = (source: Readable, start: number): Readable => ({
  size: source.size - start,
  read: (offset, length) => source.read(start + offset, length),
  whole: () => source.whole().subarray(start),
});
