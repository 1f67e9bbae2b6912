/** TFRecords and Examples: compared with the PyPI package tfrecord, and damaged ones. */
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { type Feature, parseExample } from '../../src/formats/tfrecord/example.ts';
import { countRecords, indexRecords, readRecord } from '../../src/formats/tfrecord/tfrecord.ts';
import { crc32c, maskCrc } from '../../src/ground/base/crc32c.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { sameBytes } from '../builders/same-bytes.ts';
import { runPeer } from '../peers/venv.ts';
import { exampleBytes, tfrecordBytes } from './tfrecord-bytes.ts';

const folder = mkdtempSync(join(tmpdir(), 'tlt-tfrecord-'));
let files = 0;
const fileOf = (bytes: Uint8Array): string => {
  const path = join(folder, `${files++}.tfrecord`);
  writeFileSync(path, bytes);
  return path;
};

const allOf = async (path: string): Promise<Uint8Array[]> => {
  const file = await indexRecords(path);
  return Promise.all(Array.from({ length: countRecords(file) }, (_, record) => readRecord(file, record)));
};

test('the CRC is that of RFC 3720, with the mask of TFRecord', (t) => {
  t.is(crc32c(new Uint8Array(32)), 0x8a9136aa);
  t.is(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  t.is(crc32c(Buffer.from('123456789')), 0xe3069283);
  t.is(crc32c(new Uint8Array(0)), 0);
  t.is(maskCrc(0), 0xa282ead8);
});

const textOf = (feature: Feature | undefined): string =>
  feature?.kind === 'bytes' ? Buffer.from(feature.values[0]!).toString() : '';

test('records written by Python are read', async (t) => {
  const path = join(folder, 'python.tfrecord');
  await runPeer('tfrecords.py', ['write', path, '100']);
  const records = (await allOf(path)).map((data) => parseExample(data, 'a record'));
  t.is(records.length, 100);
  t.is(textOf(records[99]!.get('frame/id')), 'images/000099');
  t.deepEqual(records[99]!.get('frame/width'), { kind: 'integers', values: [-99n] });
  t.deepEqual(records[99]!.get('target/coordinates_x1'), { kind: 'floats', values: [24.75, 25, 25.25] });
  t.is(records[99]!.get('target/object_class')?.values.length, 3);
  t.false(records[0]!.has('target/coordinates_x1'));
});

test('Python reads written frames', async (t) => {
  const rows = Array.from({ length: 20 }, (_, i): [string, number[]] => [`images/${i}`, [i, i / 2]]);
  const records = rows.map(([id, x1]) => exampleBytes({ 'frame/id': id, 'target/coordinates_x1': x1 }));
  t.deepEqual(await runPeer('tfrecords.py', ['read', fileOf(tfrecordBytes(records))]), rows);
});

test('records of any length are read, even longer than the read window', async (t) => {
  const lengths = [0, 1, 65_519, 65_520, 65_536, 300_000, 5];
  const records = lengths.map((length, i) => Buffer.alloc(length, i));
  const found = await allOf(fileOf(tfrecordBytes(records)));
  t.is(found.length, records.length);
  for (const [i, record] of records.entries()) t.true(sameBytes(found[i]!, record), `record ${i}`);
});

test('an empty file has no records', async (t) => {
  t.is(countRecords(await indexRecords(fileOf(new Uint8Array(0)))), 0);
});

const three = tfrecordBytes([Buffer.from('first'), Buffer.from('second'), Buffer.from('third')]);

const flipBit = (bytes: Uint8Array, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[bit >> 3]! ^= 1 << (bit & 7);
  return copy;
};

const reasonOf = async (act: Promise<unknown>): Promise<UserError | undefined> => {
  try {
    await act;
    return undefined;
  } catch (error) {
    if (error instanceof UserError && error.reason === 'DatasetInvalid') return error;
    throw error;
  }
};

test('a file truncated inside a record is refused with record and byte', async (t) => {
  const whole = [0, 21, 43, 64];
  t.is(three.length, whole.at(-1) ?? 0);
  for (let length = 1; length < three.length; length++) {
    const error = await reasonOf(allOf(fileOf(three.subarray(0, length))));
    t.is(error === undefined, whole.includes(length), `cut to ${length}`);
    const record = whole.findLastIndex((start) => start <= length);
    if (error) t.true(error.message.includes(`record ${record} at byte ${whole[record]}`), error.message);
  }
});

test('every flipped bit is detected', async (t) => {
  for (let bit = 0; bit < three.length * 8; bit++)
    t.truthy(await reasonOf(allOf(fileOf(flipBit(three, bit)))), `bit ${bit}`);
});

test('an excessive length is refused even with a matching checksum', async (t) => {
  const header = Buffer.alloc(8);
  header.writeBigUInt64LE(2n ** 60n);
  const crc = Buffer.alloc(4);
  crc.writeUInt32LE(maskCrc(crc32c(header)));
  const error = await reasonOf(indexRecords(fileOf(Buffer.concat([header, crc, Buffer.alloc(100)]))));
  t.regex(error?.message ?? '', /1152921504606846976 bytes/);
});

test('a file that shrinks between index and read is refused', async (t) => {
  const path = fileOf(three);
  const file = await indexRecords(path);
  truncateSync(path, 50);
  t.regex((await reasonOf(readRecord(file, 2)))?.message ?? '', /record 2 at byte 43: the file has changed/);
  t.is(readFileSync(path).length, 50);
});

test('a missing file is named', async (t) => {
  const error = await t.throwsAsync(indexRecords(join(folder, 'none')), { instanceOf: UserError });
  t.is(error.reason, 'InputNotFound');
});

const whole = exampleBytes({ 'frame/id': 'images/1', x: [1, 2, 3] });

test('any damaged Example is read or refused with DatasetInvalid', (t) => {
  const damage = fc.tuple(fc.nat(whole.length), fc.nat(whole.length), fc.uint8Array({ maxLength: 12 }));
  let refused = 0;
  fc.assert(
    fc.property(damage, ([from, to, middle]) => {
      try {
        parseExample(Buffer.concat([whole.subarray(0, from), middle, whole.subarray(to)]), 'a record');
      } catch (error) {
        if (!(error instanceof UserError) || error.reason !== 'DatasetInvalid') throw error;
        refused++;
      }
    }),
    { numRuns: 3000 },
  );
  t.true(refused > 100);
});
