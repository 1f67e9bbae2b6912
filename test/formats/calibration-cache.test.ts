import test from 'ava';
import fc from 'fast-check';
import {
  minScale,
  parseCalibrationCache,
  readUsableScales,
  tensorRtVersionNumber,
  writeCalibrationCache,
} from '../../src/formats/scales/calibration-cache.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { anyText } from '../builders/any-text.ts';

const writeScales = (scales: Iterable<[string, number]>): string =>
  writeCalibrationCache({ version: 8601, algorithmWord: 'EntropyCalibration2', scales: new Map(scales) });

const writes = test.macro({
  exec: (t, amax: number, hex: string) => {
    t.is(writeScales([['x', amax / 127]]), `TRT-8601-EntropyCalibration2\nx: ${hex}\n`);
  },
  title: (_given, amax: number, hex: string) => `a largest value of ${amax} is written as ${hex}`,
});
test(writes, 1, '3c010204');
test(writes, 6, '3d418306');
test(writes, 127, '3f800000');
test(writes, 254, '40000000');
test(writes, 0.5, '3b810204');
test(writes, 1e-30, '0a238973');

const reads = test.macro({
  exec: (t, line: string, name: string, scale: number) => {
    const { scales } = parseCalibrationCache(`TRT-7000-EntropyCalibration2\n${line}\n`);
    t.deepEqual([...scales], [[name, Math.fround(scale)]]);
  },
  title: (_given, line: string) => `reads '${line}'`,
});
test(reads, 'data: 3c008912', 'data', 0.007845180109143257);
test(reads, 'input_1:0: 3f800000', 'input_1:0', 1);
test(reads, 'a: b: 40000000', 'a: b', 2);
test(reads, '(Unnamed Layer* 22) [Constant]_output: 3F800000', '(Unnamed Layer* 22) [Constant]_output', 1);
test(reads, 'prob: 0', 'prob', 0);
test(reads, 'padded: 0a238973', 'padded', 1e-30 / 127);
test(reads, 'short: a238973', 'short', 1e-30 / 127);

test('reads a complete file written by TensorRT', (t) => {
  const cache = parseCalibrationCache(
    'TRT-7000-EntropyCalibration2\ndata: 3c008912\nconv1: 3c88edfc\nprob: 3c010a14\n',
  );
  t.is(cache.version, 7000);
  t.is(cache.algorithmWord, 'EntropyCalibration2');
  t.deepEqual([...cache.scales.keys()], ['data', 'conv1', 'prob']);
});
/**
 * Lines of data/model/qat2ptq.cache of NVIDIA-AI-IOT/cuDLA-samples, commit 781c515, whose sources NVIDIA licenses under MIT (Copyright
 * 2023 NVIDIA CORPORATION & AFFILIATES). It was made of a network's Q/DQ nodes for a DLA. src/yolov5.h there has the first
 * scale as a decimal number.
 */
const ofNvidia = `TRT-8600-EntropyCalibration2
images: 3c00f9f4
/model.0/act/Mul_output_0: 3e6c9314
/model.23/cv3/act/Mul_output_0: 3e0230f1
/model.9/m/MaxPool_output_0: 3d5d4052
/model.20/cv3/conv/Conv_output_0: 3e185ae6
`;

test('reads the lines of a cache that NVIDIA published for TensorRT 8.6', (t) => {
  const { version, algorithmWord, scales, unusable } = parseCalibrationCache(ofNvidia);
  t.deepEqual([version, algorithmWord, scales.size, unusable.size], [8600, 'EntropyCalibration2', 5, 0]);
  t.is(scales.get('images')!.toPrecision(6), '0.00787209', 'mInputScale');
  t.is(writeCalibrationCache({ version: 8600, algorithmWord: algorithmWord!, scales }), ofNvidia);
});

test('reads the oldest header', (t) => {
  t.deepEqual(parseCalibrationCache('1\nx: 3f800000\n'), {
    version: undefined,
    algorithmWord: undefined,
    scales: new Map([['x', 1]]),
    unusable: new Map(),
  });
});
test('reads CRLF line ends, and a last line without a line end', (t) => {
  const { scales } = parseCalibrationCache('TRT-8601-MinMaxCalibration\r\nx: 3f800000\r\ny: 40000000');
  t.deepEqual(
    [...scales],
    [
      ['x', 1],
      ['y', 2],
    ],
  );
});
test('keeps the order of the map, even with numbers as names', (t) => {
  t.is(
    writeScales([
      ['b', 1],
      ['10', 1],
      ['a', 1],
      ['2', 1],
    ]).replaceAll(': 3f800000', ''),
    'TRT-8601-EntropyCalibration2\nb\n10\na\n2\n',
  );
});
test('a tensor of zeros gets a tiny positive scale', (t) => {
  t.is(writeScales([['zeros', 0]]).split('\n')[1], 'zeros: 00800000');
  t.is(parseCalibrationCache(writeScales([['zeros', 0]])).scales.get('zeros'), minScale);
});

const refuses = test.macro({
  exec: (t, text: string, place: string) => {
    const error = t.throws(() => parseCalibrationCache(text), { instanceOf: UserError });
    t.is(error?.reason, 'CacheInvalid');
    t.true(error?.message.includes(place), error?.message);
  },
  title: (_given, text: string) => `refuses ${JSON.stringify(text)}`,
});
test(refuses, '', 'line 1');
test(refuses, 'TRT-8601\n', 'line 1');
test(refuses, 'TRT-8601-EntropyCalibration2\nx 3f800000\n', 'line 2');
test(refuses, 'TRT-8601-EntropyCalibration2\nx: 3f8000000\n', 'line 2');
test(refuses, 'TRT-8601-EntropyCalibration2\nx:3f800000\n', 'line 2');
test(refuses, 'TRT-8601-EntropyCalibration2\nx: 1\nx: 2\n', 'listed twice');

test("infinite, negative and NaN scales are read as unusable, because TensorRT's own caches contain infinity", (t) => {
  const text = 'TRT-7103-EntropyCalibration2\nx: 3f800000\ny: 7f800000\nz: bf800000\nw: 7fc00000\n';
  const { scales, unusable } = parseCalibrationCache(text);
  t.deepEqual([...scales], [['x', 1]]);
  t.deepEqual(
    [...unusable],
    [
      ['y', Number.POSITIVE_INFINITY],
      ['z', -1],
      ['w', Number.NaN],
    ],
  );
  const error = t.throws(() => readUsableScales(text), { instanceOf: UserError });
  t.is(error.reason, 'CacheInvalid');
  t.regex(error.message, /the scale of y is Infinity and of 2 other tensors/);
  t.deepEqual([...readUsableScales('TRT-7103-EntropyCalibration2\nx: 3f800000\n')], [['x', 1]]);
});

test('every scale is written with eight digits, which every reader accepts', (t) => {
  for (const scale of [0, 1e-38, 1e-30, 1e-3, 1, 3e38])
    t.regex(writeScales([['x', scale]]), /^x: [0-9a-f]{8}$/m, `${scale}`);
});

for (const scale of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e300])
  test(`does not write the scale ${scale}`, (t) => {
    t.is(t.throws(() => writeScales([['x', scale]]), { instanceOf: UserError })?.reason, 'CalibrationFailed');
  });
test('does not write a name with a line break', (t) => {
  t.is(t.throws(() => writeScales([['x\ny', 1]]), { instanceOf: UserError })?.reason, 'CalibrationFailed');
});

const versions = test.macro({
  exec: (t, version: string, number: number) => {
    t.is(tensorRtVersionNumber(version), number);
  },
  title: (_given, version: string, number: number) => `TensorRT ${version} is ${number}`,
});
test(versions, '7.0.0', 7000);
test(versions, '7.1.3', 7103);
test(versions, '8.5', 8500);
test(versions, '8.6.1', 8601);
test(versions, '8.6.1.6', 8601);
test(versions, '10.3.0', 100300);
test(versions, '10.14.1', 101401);
for (const version of ['', '8', 'v8.6.1', '8.6.x', '8.6.1-ga'])
  test(`'${version}' is not a TensorRT version`, (t) => {
    t.is(t.throws(() => tensorRtVersionNumber(version), { instanceOf: UserError })?.reason, 'Usage');
  });

test('a name may contain what Unicode calls a line break', (t) => {
  const entries: [string, number][] = [['a\u2028b\u2029: c\u0085', 0.5]];
  t.deepEqual([...parseCalibrationCache(writeScales(entries)).scales], entries);
});

const tensorName = anyText({ minLength: 1 }).filter((name) => !/[\r\n]/.test(name));
test('a written cache is read back exactly', (t) => {
  const scale = fc.float({ min: 2 ** -126, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(tensorName, scale), { selector: ([name]) => name }), (entries) => {
      t.deepEqual([...parseCalibrationCache(writeScales(entries)).scales], entries);
    }),
  );
});
test('any text is read or refused with CacheInvalid', (t) => {
  const good = writeScales([
    ['input_1:0', 0.1],
    ['conv (1)', 0.2],
  ]);
  const damaged = fc.tuple(fc.nat(good.length), fc.nat(good.length), anyText());
  fc.assert(
    fc.property(damaged, ([from, to, middle]) => {
      try {
        parseCalibrationCache(good.slice(0, from) + middle + good.slice(to));
      } catch (error) {
        if (!(error instanceof UserError) || error.reason !== 'CacheInvalid') throw error;
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
