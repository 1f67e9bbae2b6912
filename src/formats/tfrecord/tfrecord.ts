/**
 * TFRecord files. A record is: length u64, masked CRC-32C of the length u32, data, masked CRC-32C of the data u32; all
 * little-endian. Finding the records reads frames, not data; each record is read, and checked, when it is wanted.
 * TensorFlow, lib/io/record_writer.h.
 */
import type { FileHandle } from 'node:fs/promises';
import { crc32c, masked } from '../../ground/base/crc32c.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { limits } from '../../ground/base/limits.ts';
import { openRegular } from '../../ground/base/readable.ts';

export type RecordFile = {
  readonly path: string;
  /** Where each record begins, in bytes; one more number than records: the last is the file's length. */
  readonly starts: readonly number[];
};

const headerLength = 12;
const trailerLength = 4;

/** One read serves all frames that lie within it. */
const windowLength = 64 * 1024;

/** Number of records. */
export const recordsIn = ({ starts }: RecordFile): number => starts.length - 1;

/** Walks the frames, checking each length's CRC. @throws UserError InputNotFound, DatasetInvalid */
export const indexRecords = (path: string): Promise<RecordFile> =>
  withFile(path, async (file) => {
    const { size } = await file.stat();
    const headers = windowed(file);
    const starts = [0];
    for (let at = 0; at < size; starts.push(at)) {
      const place = { path, record: starts.length - 1, at };
      if (size - at < headerLength) throw damaged(place, `only ${size - at} bytes are left for a frame`);
      at += frameLength(await headers(at), place);
      if (at > size) throw damaged(place, `the record ends ${at - size} bytes after the end of the file`);
    }
    return { path, starts };
  });

/** Data of one record, 0 ≤ record < recordsIn(file). @throws UserError InputNotFound, DatasetInvalid */
export const readRecord = ({ path, starts }: RecordFile, record: number): Promise<Uint8Array> =>
  withFile(path, async (file) => {
    const at = starts[record]!;
    const place = { path, record, at };
    const frame = await readAt(file, at, starts[record + 1]! - at);
    if (frame.length < headerLength || frameLength(frame, place) !== frame.length)
      throw damaged(place, 'the file has changed since it was opened');
    const data = frame.subarray(headerLength, frame.length - trailerLength);
    if (frame.readUInt32LE(frame.length - trailerLength) !== masked(crc32c(data)))
      throw damaged(place, 'the checksum of the data does not fit');
    return data;
  });

type Place = { readonly path: string; readonly record: number; readonly at: number };

/** Bytes of the whole frame that this header opens. */
const frameLength = (header: Buffer, place: Place): number => {
  if (header.readUInt32LE(8) !== masked(crc32c(header.subarray(0, 8))))
    throw damaged(place, 'the checksum of the length does not fit');
  const length = header.readBigUInt64LE(0);
  const { most } = limits.recordBytes;
  if (length > most) throw damaged(place, `it claims ${length} bytes, and at most ${most} are accepted`);
  return headerLength + Number(length) + trailerLength;
};

/** The frame header at a place; the file behind it is read window by window. */
const windowed = (file: FileHandle): ((at: number) => Promise<Buffer>) => {
  let window: Buffer = Buffer.alloc(0);
  let from = 0;
  return async (at) => {
    if (at < from || at + headerLength > from + window.length) {
      window = await readAt(file, at, windowLength);
      from = at;
    }
    return window.subarray(at - from, at - from + headerLength);
  };
};

/** Fewer bytes than asked for if the file ends before. */
const readAt = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
};

const withFile = async <T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> => {
  const file = await openRegular(path).catch((thrown: unknown) => {
    if (thrown instanceof UserError) throw thrown;
    throw new UserError(
      'InputNotFound',
      `Reading the TFRecord ${path}: it cannot be opened (${messageOf(thrown)}). Check tfrecords_path in the spec.`,
      { cause: thrown },
    );
  });
  try {
    return await use(file);
  } finally {
    await file.close();
  }
};

const damaged = ({ path, record, at }: Place, found: string): UserError =>
  new UserError(
    'DatasetInvalid',
    `Reading the TFRecord ${path}, record ${record} at byte ${at}: ${found}. Convert the data set again, or leave this file out.`,
  );
