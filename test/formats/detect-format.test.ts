import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateRawSync, gzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { detectFormat, type FileFormat } from '../../src/formats/crypto/detect-format.ts';
import { parsePrefix } from '../../src/formats/crypto/etlt-prefix.ts';
import { makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { encryptEtlt, encryptTlt } from '../builders/encrypted.ts';
import { realModel, realModels, smallModel } from './onnx/models.ts';

const is = test.macro(async (t, bytes: Uint8Array | Promise<Uint8Array>, format: FileFormat) => {
  t.is(detectFormat(await bytes), format);
});
const noise = randomBytes(8192);
const quick = { workFactor: 2 };

test('a .tlt of this project', is, encryptTlt(noise, 'k', quick), 'tlt');
test('an .etlt of this project with an ONNX', is, encryptEtlt(noise, 'k', quick), 'etlt');
test(
  'an .etlt of this project with a UFF',
  is,
  encryptEtlt(noise, 'k', { inputName: 'input_1', ...quick }),
  'etlt',
);
for (const name of realModels) test(name, is, realModel(name), 'onnx');
test('a small ONNX', is, serializeModel(smallModel()), 'onnx');
test('a truncated ONNX', is, serializeModel(smallModel()).subarray(0, 60), 'onnx');
const empty = makeModel({
  name: 'g',
  opset: 13,
  inputs: [],
  outputs: [makeValueInfo('y', 1, [])],
  nodes: [],
});
test('an ONNX whose IR version does not come first', is, withIrVersionLast(serializeModel(empty)), 'onnx');
test('a calibration cache', is, Buffer.from('TRT-100300-EntropyCalibration2\nx: 1\n'), 'calibration-cache');
test('a calibration cache in the oldest format', is, Buffer.from('1\nx: 1\n'), 'calibration-cache');
test('a tensorfile', is, readFileSync(new URL('../tlt-model/tensorfile.h5', import.meta.url)), 'hdf5');
test("NVIDIA's .tlt", is, Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 0xff), noise]), 'foreign');
test("NVIDIA's .etlt with an ONNX", is, Buffer.concat([Buffer.alloc(4), noise]), 'foreign');
test(
  "NVIDIA's .etlt of a UFF",
  is,
  Buffer.concat([Buffer.from([5, 0, 0, 0]), Buffer.from('Input'), noise]),
  'foreign',
);
test('an empty file', is, Buffer.alloc(0), 'unknown');
test('text', is, Buffer.from('the quick brown fox jumps over the lazy dog\n'.repeat(40)), 'unknown');
test('base64', is, Buffer.from(noise.toString('base64')), 'unknown');
test('gzip', is, gzipSync(noise), 'unknown');
test('zeros', is, Buffer.alloc(5000), 'unknown');
test('machine code', is, readFileSync(process.execPath).subarray(0, 100_000), 'unknown');
test(
  'compressed data without a header cannot be distinguished from ciphertext',
  is,
  deflateRawSync(Buffer.from(noise.toString('hex'))),
  'foreign',
);

function withIrVersionLast(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(2), bytes.subarray(0, 2)]);
}

test('a prefix with any input name is read back', (t) => {
  const name = fc.string({ maxLength: 60, unit: 'grapheme' }).filter((text) => !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(name, (text) => {
      const encoded = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeInt32LE(encoded.length);
      const prefix = parsePrefix(Buffer.concat([length, encoded, noise]));
      t.deepEqual(prefix, { inputName: text, payloadAt: 4 + encoded.length });
    }),
  );
});
test('detection returns a format for any bytes', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => typeof detectFormat(bytes) === 'string'),
  );
  t.pass();
});
