/** Histogram files with a sound frame around content that no calibration writes. */
import { crc32, deflateSync } from 'node:zlib';
import { histogramMagic } from '../../src/formats/scales/histogram-file.ts';
import { PackedWriter } from '../../src/ground/base/packed-bytes.ts';
import { zeros } from './zeros.ts';

const framed = (content: Uint8Array): Uint8Array => inFrame(deflateSync(content));

const inFrame = (body: Uint8Array): Uint8Array => {
  const header = Buffer.alloc(16);
  header.write(histogramMagic, 'latin1');
  header.writeUInt32LE(1, 8);
  header.writeUInt32LE(crc32(body), 12);
  return Buffer.concat([header, body]);
};

export type Bins = {
  readonly bins: readonly number[];
  readonly counts: readonly number[];
  readonly min?: number;
  readonly max?: number;
};

/** One tensor; the first of `bins` as it is stored, the others by their distance. */
export const histogramFileOf = ({ bins, counts, min = 0, max = 1 }: Bins): Uint8Array => {
  const writer = new PackedWriter();
  writer.raw(new Uint8Array(32));
  writer.whole(0);
  writer.whole(1);
  writer.text('x');
  writer.float(min);
  writer.float(max);
  writer.whole(bins.length);
  for (const number of [...bins, ...counts]) writer.whole(number);
  return framed(writer.written);
};

/** A megabyte that unpacks to a gibibyte. */
export const inflatingHistograms = (): Uint8Array => inFrame(zeros(1024));

/** 300,000 calibrations added up to nothing. */
export const manyParts = (): Uint8Array => {
  const writer = new PackedWriter();
  writer.raw(new Uint8Array(32));
  writer.whole(300_000);
  for (let part = 0; part < 300_000; part++) {
    writer.raw(new Uint8Array(32));
    for (let number = 0; number < 6; number++) writer.whole(1);
  }
  writer.whole(0);
  return framed(writer.written);
};
