/** The faster of int8 and float: the decision, and builds of a small network that store one or the other. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { buildFromRequest } from '../../src/graph/builders/build-here.ts';
import { type Int8Measured, preferFastest } from '../../src/graph/builders/prefer-fastest.ts';
import { readIntegerTypes } from '../../src/graph/builders/processor-integers.ts';
import { integerNodes } from '../../src/graph/precision/foreign-quantisers.ts';
import { quantiseFused } from '../../src/graph/precision/fused/fused-qdq.ts';
import type { BuildReport, BuildRequest } from '../../src/ground/contract/task.ts';
import { channels, classifierWith, input, output, side } from '../builders/networks.ts';

const measured: Int8Measured = { int8: 2000, float: 3000, operators: 7, sqnrDb: 30, noise: undefined };

test('int8 is stored where it is faster and passes the gate, and the reason has both latencies', (t) => {
  t.deepEqual(preferFastest(measured, 30), {
    dataType: 'int8',
    because: 'On this processor, int8 takes 2.0 ms and float 3.0 ms; its SQNR is 30.0 dB.',
  });
});

const floats: Readonly<Record<string, [Partial<Int8Measured>, number | undefined, RegExp]>> = {
  'int8 is slower': [{ int8: 4000 }, undefined, /int8 takes 4\.0 ms and float 3\.0 ms\.$/],
  'both are as fast': [{ int8: 3000 }, undefined, /int8 takes/],
  'int8 misses the required minimum': [{}, 31, /SQNR is 30\.0 dB, the required minimum 31 dB/],
  'int8 is noise': [{ noise: 'its SQNR is 1 dB' }, undefined, /fails the accuracy gate: its SQNR is 1 dB\.$/],
  'there are no held-out images': [{ sqnrDb: undefined }, undefined, /no held-out images/],
  'no operator would be integer': [{ operators: 0 }, undefined, /No operator/],
};

for (const [why, [changes, least, expected]] of Object.entries(floats))
  test(`float is stored if ${why}`, (t) => {
    const { dataType, because } = preferFastest({ ...measured, ...changes }, least);
    t.is(dataType, 'fp32');
    t.regex(because, expected);
    t.true(because.length <= 256);
  });

const images = {
  dims: [2, 3, side, side],
  data: Float32Array.from({ length: 6 * side * side }, (_, i) => ((i * 7919) % 251) - 110),
};

const model = classifierWith((network, from) =>
  network.node('Conv', [from, network.weight([channels, channels, 3, 3])], {
    pads: { ints: [1, 1, 1, 1] },
  }),
);

/** Each reading is a millisecond after the one before, so that everything takes as long. */
const evenClock = () => {
  let readings = 0;
  return { now: () => readings++ };
};

/** Time passes faster and faster, so that float, whose turn comes after that of int8, takes longer. */
const fasterInt8 = () => {
  let readings = 0;
  return { now: () => (readings++) ** 2 };
};

const build = async (fastest: BuildRequest['fastest'], clock: { now(): number }, width = 1) => {
  const folder = mkdtempSync(join(tmpdir(), 'fastest-'));
  const at = (name: string, content: Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const names = [input, ...model.graph!.node.flatMap((node) => node.output)];
  const scales = new Map(names.map((name) => [name, width * (name === input ? 1.2 : 0.5)]));
  const request: BuildRequest = {
    model: at('int8.onnx', serializeModel(quantiseFused(model, { scales, types: readIntegerTypes() }))),
    engine: join(folder, 'model.onnx'),
    report: join(folder, 'report.json'),
    inputName: input,
    outputNames: [output],
    minShape: [1, 3, side, side],
    optShape: [1, 3, side, side],
    maxShape: [1, 3, side, side],
    outputRoles: {},
    ...(fastest && { fastest }),
  };
  await buildFromRequest(request, {
    clock,
    reference: at('float.onnx', serializeModel(model)),
    verification: at('images.pb', serializeTensor(tensorFromFloats(input, images.dims, images.data))),
    choice: undefined,
  });
  const report = JSON.parse(readFileSync(request.report, 'utf8')) as BuildReport;
  return { report, integers: integerNodes(parseModel(readFileSync(request.engine))).length };
};

test('a build without a preference stores int8, whatever float takes', async (t) => {
  const { report, integers } = await build(undefined, evenClock());
  t.true(integers > 0);
  t.is(report.chosen, undefined);
  t.true(report.latency!.floatP50Microseconds! > 0);
});

test('a build that prefers the fastest stores float where int8 is not faster, and reports what it stored', async (t) => {
  const { report, integers } = await build({}, evenClock());
  t.is(integers, 0, 'the stored file is the float graph');
  t.is(report.chosen?.dataType, 'fp32');
  t.regex(report.chosen!.because, /int8 takes 1\.0 ms and float 1\.0 ms/);
  t.is(report.integerOperators, undefined);
  t.is(report.note, `The engine is float. ${report.chosen!.because}`);
  t.is(report.agreement?.sqnrDb, 'inf');
});

test('a build that prefers the fastest stores int8 where that is faster', async (t) => {
  const { report, integers } = await build({ minAgreement: 10 }, fasterInt8());
  t.is(report.chosen?.dataType, 'int8');
  t.true(integers > 0);
  t.is(report.integerOperators, integers);
});

test('int8 that misses the accuracy gate is stored as float in place of an error', async (t) => {
  const { report, integers } = await build({}, fasterInt8(), 200);
  t.is(report.chosen?.dataType, 'fp32');
  t.regex(report.chosen!.because, /fails the accuracy gate: its SQNR against the float model/);
  t.is(integers, 0);
  await t.throwsAsync(build(undefined, fasterInt8(), 200), { message: /Use a higher precision/ });
});
