import { crc32, deflateSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { detectFormat } from '../../src/formats/crypto/detect-format.ts';
import {
  type HistogramFile,
  parseHistogramFile,
  writeHistogramFile,
} from '../../src/formats/scales/histogram-file.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { histogramOf } from '../builders/histogram.ts';

const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const whole = fc.nat();
const sample = fc.record({
  dataSha256: digest,
  seed: whole,
  drawn: whole,
  part: whole,
  of: whole,
  images: whole,
  consumed: whole,
});
const histogram = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 60 }).map((values) => {
  const { bins, counts, min, max } = histogramOf(values);
  return { bins, counts: counts.map((count) => count * 2 ** 40 + 1), min, max };
});
const content: fc.Arbitrary<HistogramFile> = fc.record({
  modelSha256: digest,
  samples: fc.array(sample, { maxLength: 3 }),
  histograms: fc
    .array(fc.tuple(fc.string({ unit: 'grapheme' }), histogram), { maxLength: 4 })
    .map((entries) => new Map(entries)),
});

test('a written file is read again bit for bit', (t) => {
  fc.assert(
    fc.property(content, (written) => {
      const bytes = writeHistogramFile(written);
      t.is(detectFormat(bytes), 'histograms');
      t.deepEqual(parseHistogramFile(bytes), written);
      t.deepEqual(writeHistogramFile(parseHistogramFile(bytes)), bytes);
    }),
    { numRuns: 50 },
  );
});

const isRefused = (bytes: Uint8Array): boolean => {
  try {
    parseHistogramFile(bytes);
    return false;
  } catch (thrown) {
    return thrown instanceof UserError && thrown.reason === 'HistogramsInvalid';
  }
};

test('a file that is truncated, too long, or has a flipped bit is refused', (t) => {
  fc.assert(
    fc.property(content, fc.nat(), fc.nat(7), (written, place, bit) => {
      const bytes = writeHistogramFile(written);
      const at = place % bytes.length;
      const turned = Uint8Array.from(bytes, (byte, i) => (i === at ? byte ^ (1 << bit) : byte));
      return (
        isRefused(bytes.subarray(0, at)) && isRefused(turned) && isRefused(Buffer.concat([bytes, bytes]))
      );
    }),
  );
  t.pass();
});

test('a forged file is read or refused with HistogramsInvalid', (t) => {
  const forged = (body: Uint8Array): Uint8Array => {
    const empty = writeHistogramFile({ modelSha256: '00'.repeat(32), samples: [], histograms: new Map() });
    const file = Buffer.concat([empty.subarray(0, 16), deflateSync(body)]);
    file.writeUInt32LE(crc32(file.subarray(16)), 12);
    return file;
  };
  const body = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ min: 200, maxLength: 100 }));
  fc.assert(
    fc.property(body, (bytes) => {
      try {
        return parseHistogramFile(forged(bytes)).histograms.size >= 0;
      } catch (thrown) {
        return thrown instanceof UserError && thrown.reason === 'HistogramsInvalid';
      }
    }),
  );
  t.pass();
});

test('a file of a newer format is refused with its number', (t) => {
  const bytes = writeHistogramFile({ modelSha256: '00'.repeat(32), samples: [], histograms: new Map() });
  bytes[8] = 2;
  t.throws(() => parseHistogramFile(bytes), { message: /it has format 2; this version reads format 1/ });
});
