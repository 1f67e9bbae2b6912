/**
 * The histograms of a calibration pass as a file. Thresholds can be chosen again without the images, and the files of
 * parts add up to the file of the whole. Numbers are little-endian:
 *
 *     "tlt-hist"  uint32 format version  uint32 CRC-32 of the rest  zlib stream
 *
 * The stream holds the model's digest, the samples, and the non-empty bins of each measured tensor, encoded by
 * `packed-bytes`. Tensors that are derived from measured ones are not stored.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { limits } from '../../ground/base/limits.ts';
import { PackedReader, PackedWriter } from '../../ground/base/packed-bytes.ts';

/** A sparse histogram. Bins ascend and are numbered by the bits of a float32; counts are integers > 0. */
export type StoredHistogram = {
  readonly bins: Int32Array;
  readonly counts: Float64Array;
  /** Exact range, infinities included; min is Infinity and max -Infinity if nothing was counted. */
  readonly min: number;
  readonly max: number;
};

/** The images behind the counts: a whole seeded sample, or one of several parts of it. */
export type CountedSample = {
  /** Digest of the data that the sample was drawn from. */
  readonly dataSha256: string;
  readonly seed: number;
  /** Images in the whole sample. */
  readonly drawn: number;
  /** 1…of; a whole sample is part 1 of 1. */
  readonly part: number;
  readonly of: number;
  /** Images that were counted. */
  readonly images: number;
  /** Number of spare images, from the first one on, that may have replaced broken ones. */
  readonly consumed: number;
};

/** Content of a histogram file. */
export type HistogramFile = {
  /** Digest of the ONNX file that was run. */
  readonly modelSha256: string;
  readonly samples: readonly CountedSample[];
  /** Tensor → histogram of its values. */
  readonly histograms: ReadonlyMap<string, StoredHistogram>;
};

/** First bytes of a histogram file. */
export const histogramMagic = 'tlt-hist';
const formatVersion = 1;
const headerBytes = histogramMagic.length + 8;
const digestBytes = 32;

/** Writes a histogram file. The same content gives the same bytes. */
export const writeHistogramFile = (content: HistogramFile): Uint8Array => {
  const body = deflateSync(pack(content));
  const header = Buffer.alloc(headerBytes);
  header.write(histogramMagic, 'latin1');
  header.writeUInt32LE(formatVersion, histogramMagic.length);
  header.writeUInt32LE(crc32(body), histogramMagic.length + 4);
  return Buffer.concat([header, body]);
};

/**
 * Parses a histogram file.
 * @throws UserError HistogramsInvalid for anything but a complete file of this format
 */
export const parseHistogramFile = (bytes: Uint8Array): HistogramFile => {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(headerBytes, bytes.length));
  if (header.length < headerBytes || header.toString('latin1', 0, histogramMagic.length) !== histogramMagic)
    throw invalid('it is not a histogram file');
  const version = header.readUInt32LE(histogramMagic.length);
  if (version !== formatVersion)
    throw invalid(`it has format ${version}; this version reads format ${formatVersion}`);
  const body = bytes.subarray(headerBytes);
  if (crc32(body) !== header.readUInt32LE(histogramMagic.length + 4))
    throw invalid('its checksum does not match: it is truncated or damaged');
  try {
    return unpack(inflateSync(body, { maxOutputLength: limits.histogramBytes.max }));
  } catch (thrown) {
    throw invalid(`its content is inconsistent (${messageOf(thrown)})`, thrown);
  }
};

const pack = ({ modelSha256, samples, histograms }: HistogramFile): Uint8Array => {
  const writer = new PackedWriter();
  writer.raw(Buffer.from(modelSha256, 'hex'));
  writer.whole(samples.length);
  for (const { dataSha256, seed, drawn, part, of, images, consumed } of samples) {
    writer.raw(Buffer.from(dataSha256, 'hex'));
    for (const number of [seed, drawn, part, of, images, consumed]) writer.whole(number);
  }
  writer.whole(histograms.size);
  for (const [name, histogram] of histograms) {
    writer.text(name);
    packHistogram(writer, histogram);
  }
  return writer.written;
};

/** Stores each bin as the distance from the previous one, which is mostly 1. */
const packHistogram = (writer: PackedWriter, { bins, counts, min, max }: StoredHistogram): void => {
  writer.float(min);
  writer.float(max);
  writer.whole(bins.length);
  if (bins.length > 0) writer.whole(bins[0]! + binOffset);
  for (let i = 1; i < bins.length; i++) writer.whole(bins[i]! - bins[i - 1]!);
  for (const count of counts) writer.whole(count);
};

/** Added to the first bin, which may be negative. */
const binOffset = 2 ** 31;

const unpack = (bytes: Uint8Array): HistogramFile => {
  const reader = new PackedReader(bytes);
  const digest = () => Buffer.from(reader.raw(digestBytes)).toString('hex');
  const modelSha256 = digest();
  const samples = Array.from({ length: readPartCount(reader) }, () => ({
    dataSha256: digest(),
    seed: reader.whole(),
    drawn: reader.whole(),
    part: reader.whole(),
    of: reader.whole(),
    images: reader.whole(),
    consumed: reader.whole(),
  }));
  const histograms = new Map<string, StoredHistogram>();
  for (let left = reader.count(); left > 0; left--) histograms.set(reader.text(), unpackHistogram(reader));
  if (reader.left > 0) throw new RangeError(`${reader.left} bytes follow the content`);
  return { modelSha256, samples, histograms };
};

const readPartCount = (reader: PackedReader): number => {
  const parts = reader.count();
  const { max } = limits.histogramParts;
  if (parts > max) throw new RangeError(`it has ${parts} parts; at most ${max} are accepted`);
  return parts;
};

const unpackHistogram = (reader: PackedReader): StoredHistogram => {
  const [min, max] = [reader.float(), reader.float()];
  const length = reader.count();
  requireRange(length, min, max);
  const bins = new Int32Array(length);
  const counts = new Float64Array(length);
  for (let i = 0; i < length; i++)
    bins[i] = i === 0 ? readFirstBin(reader.whole()) : readNextBin(bins[i - 1]!, reader.whole());
  if (
    (bins[0] === -lastBin) !== (min === -Infinity) ||
    (bins.at(-1) === lastBin) !== (max === Infinity && length > 0)
  )
    throw new RangeError(
      `its bins range from ${bins[0]} to ${bins.at(-1)}, but its values from ${min} to ${max}`,
    );
  for (let i = 0; i < length; i++) counts[i] = requirePositive(reader.whole());
  return { bins, counts, min, max };
};

/** The bin of infinity: the exponent and the top 9 bits of the mantissa. */
const lastBin = 0x7f800000 >>> 14;

const readFirstBin = (stored: number): number => {
  const bin = stored - binOffset;
  if (Math.abs(bin) > lastBin) throw new RangeError(`its first bin is ${bin}`);
  return bin;
};

const readNextBin = (bin: number, step: number): number => {
  if (step === 0 || bin + step > lastBin) throw new RangeError('its bins do not ascend');
  return bin + step;
};

const requirePositive = (count: number): number => {
  if (count === 0) throw new RangeError('a bin is empty');
  return count;
};

/** Infinities are allowed: such a tensor gets no scale, which the reader decides. NaN fails every comparison. */
const requireRange = (bins: number, min: number, max: number): void => {
  const isValid = bins === 0 ? min === Infinity && max === -Infinity : min <= max;
  if (!isValid) throw new RangeError(`${bins} bins range from ${min} to ${max}`);
};

const invalid = (found: string, cause?: unknown): UserError =>
  new UserError(
    'HistogramsInvalid',
    `Reading the histograms: ${found}. Calibrate again, or use a histogram file written by tlt-export.`,
    { cause },
  );
