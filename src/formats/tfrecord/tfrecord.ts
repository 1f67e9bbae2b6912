/**
 * TFRecord files. A record is: length u64, masked CRC-32C of the length u32, data, masked CRC-32C of the data u32; all
 * little-endian. Indexing reads only the frames; each record is read and checked on demand. Source: TensorFlow,
 * lib/io/record_writer.h.
 */
import type { FileHandle } from 'node:fs/promises';
import { crc32c, maskCrc } from '../../ground/base/crc32c.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { limits } from '../../ground/base/limits.ts';
import { openRegular } from '../../ground/base/readable.ts';

/** An indexed TFRecord file. */
export type RecordFile = {
  readonly path: string;
  /** Byte offset of each record, then the length of the file. */
  readonly starts: readonly number[];
};

const headerLength = 12;
const trailerLength = 4;

/** Bytes per read; one read serves all frames within it. */
const windowLength = 64 * 1024;

/** Number of records. */
export const countRecords = ({ starts }: RecordFile): number => starts.length - 1;

/**
 * Finds the records of a file and checks the CRC of each length.
 * @throws UserError InputNotFound, DatasetInvalid
 */
export const indexRecords = (path: string): Promise<RecordFile> =>
  withFile(path, async (file) => {
    const { size } = await file.stat();
    const headers = createHeaderReader(file);
    const starts = [0];
    for (let at = 0; at < size; starts.push(at)) {
      const place = { path, record: starts.length - 1, at };
      if (size - at < headerLength)
        throw recordDamaged(place, `only ${size - at} bytes remain, less than a frame`);
      at += readFrameLength(await headers(at), place);
      if (at > size)
        throw recordDamaged(place, `the record ends ${at - size} bytes after the end of the file`);
    }
    return { path, starts };
  });

/**
 * Reads the data of one record and checks its CRC; 0 ≤ record < countRecords(file).
 * @throws UserError InputNotFound, DatasetInvalid
 */
export const readRecord = ({ path, starts }: RecordFile, record: number): Promise<Uint8Array> =>
  withFile(path, async (file) => {
    const at = starts[record]!;
    const place = { path, record, at };
    const frame = await readAt(file, at, starts[record + 1]! - at);
    if (frame.length < headerLength || readFrameLength(frame, place) !== frame.length)
      throw recordDamaged(place, 'the file has changed since it was opened');
    const data = frame.subarray(headerLength, frame.length - trailerLength);
    if (frame.readUInt32LE(frame.length - trailerLength) !== maskCrc(crc32c(data)))
      throw recordDamaged(place, 'the checksum of the data does not match');
    return data;
  });

type Place = { readonly path: string; readonly record: number; readonly at: number };

/** Bytes of the whole frame that begins with this header. */
const readFrameLength = (header: Buffer, place: Place): number => {
  if (header.readUInt32LE(8) !== maskCrc(crc32c(header.subarray(0, 8))))
    throw recordDamaged(place, 'the checksum of the length does not match');
  const length = header.readBigUInt64LE(0);
  const { max } = limits.recordBytes;
  if (length > max) throw recordDamaged(place, `it claims ${length} bytes; at most ${max} are accepted`);
  return headerLength + Number(length) + trailerLength;
};

/** Returns a function that reads the frame header at an offset; the file is read window by window. */
const createHeaderReader = (file: FileHandle): ((at: number) => Promise<Buffer>) => {
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

/** Returns fewer bytes if the file ends earlier. */
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

const recordDamaged = ({ path, record, at }: Place, found: string): UserError =>
  new UserError(
    'DatasetInvalid',
    `Reading the TFRecord ${path}, record ${record} at byte ${at}: ${found}. Convert the dataset again, or leave this file out.`,
  );
