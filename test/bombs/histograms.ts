/** Histogram files with a valid frame and hostile content. */
import { crc32, deflateSync } from 'node:zlib';
import { histogramMagic } from '../../src/formats/scales/histogram-file.ts';
import { PackedWriter } from '../../src/ground/base/packed-bytes.ts';
import { zeros } from './zeros.ts';

const deflateInFrame = (content: Uint8Array): Uint8Array => inFrame(deflateSync(content));

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

/** A file of one tensor. The first of `bins` is stored as it is, the others as differences. */
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
  return deflateInFrame(writer.written);
};

/** One MiB that inflates to 1 GiB. */
export const inflatingHistograms = (): Uint8Array => inFrame(zeros(1024));

/** A file of 300,000 empty parts. */
export const manyParts = (): Uint8Array => {
  const writer = new PackedWriter();
  writer.raw(new Uint8Array(32));
  writer.whole(300_000);
  for (let part = 0; part < 300_000; part++) {
    writer.raw(new Uint8Array(32));
    for (let number = 0; number < 6; number++) writer.whole(1);
  }
  writer.whole(0);
  return deflateInFrame(writer.written);
};
