/** Q/DQ pairs for ONNX Runtime: what its optimised graph computes with integers, and how close that is to float. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeUntypedValueInfo } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { serializeTensor } from '../../src/formats/onnx/tensor-file.ts';
import { addMethod, writeDistributions } from '../../src/formats/scales/tensor-distributions.ts';
import { buildOnnxRuntime } from '../../src/graph/builders/build-onnxruntime.ts';
import { chooseScales, noIntegers } from '../../src/graph/builders/choose-scales.ts';
import { describeSlowness, readEngineIntegers } from '../../src/graph/builders/engine-integers.ts';
import { chooseIntegerTypes, readIntegerTypes } from '../../src/graph/builders/processor-integers.ts';
import {
  exactIntegers,
  type FusedRequest,
  type IntegerTypes,
  prepareFused,
  quantiseFused,
  quantiseWith,
} from '../../src/graph/precision/fused/fused-qdq.ts';
import { gridOf } from '../../src/graph/precision/fused/integer-grid.ts';
import { decibels } from '../builders/exports.ts';
import { built, images, run, scalesOf, vnni } from '../builders/fused-engines.ts';
import { channels, classifierWith, input, Network, output, side } from '../builders/networks.ts';

const bias = (network: Network) => network.weight([channels], 0.3);

const biased = (
  network: Network,
  from: string,
  attributes = {},
  weight = network.weight([channels, channels, 3, 3]),
) => network.node('Conv', [from, weight, bias(network)], { pads: { ints: [1, 1, 1, 1] }, ...attributes });

/** A residual block with Relu, a depthwise convolution with Relu6, LeakyRelu, a joined branch and a pool. */
const block = (): ModelProto =>
  classifierWith((network, from) => {
    const depthwise = network.weight([channels, 1, 3, 3], 0.5);
    const first = network.node('Relu', [biased(network, from)]);
    const narrow = biased(network, first, { group: { int: channels } }, depthwise);
    const clipped = network.node('Clip', [narrow, network.scalar(0), network.scalar(6)]);
    const sum = network.node('Relu', [network.node('Add', [biased(network, clipped), first])]);
    const leaky = network.node('LeakyRelu', [biased(network, sum)], { alpha: { float: 0.2 } });
    const joined = network.node('Concat', [leaky, sum], { axis: { int: 1 } });
    const pooled = network.node('MaxPool', [joined], {
      kernel_shape: { ints: [2, 2] },
      strides: { ints: [2, 2] },
    });
    return biased(network, pooled, {}, network.weight([channels, 2 * channels, 3, 3]));
  });

test('convolutions, sums, joins and pools become integer operators, and activations fold into them', async (t) => {
  const { counts, path } = await built(block());
  t.is(counts.QLinearConv, 6);
  t.is(counts.QLinearAdd, 1);
  t.is(counts.QLinearConcat, 1);
  t.is(counts.QLinearLeakyRelu, 1);
  for (const float of ['Relu', 'Clip', 'LeakyRelu', 'Add']) t.is(counts[float], undefined, float);
  const integers = await readEngineIntegers(path);
  t.is(
    integers?.floatLayers.length,
    2,
    'the first convolution and the last product are too small for conversions',
  );
  t.is(integers?.operators, 9);
});

test('a matrix product with many products for each result becomes an integer operator', async (t) => {
  const network = new Network();
  network.classes(network.node('Flatten', [network.stem()]), channels * side * side);
  const { counts } = await built(network.model());
  t.is(counts.QGemm, 1);
  t.is(counts.Gemm, undefined);
});

test('the integers agree with float, whichever types the processor wants', async (t) => {
  const model = block();
  const float = (await run(model))[output]!.data;
  const answer = async (types: IntegerTypes) =>
    (await run((await built(model, { types })).path))[output]!.data;
  const paired: IntegerTypes = { ...vnni, pairsIn16Bits: true };
  for (const types of [vnni, exactIntegers, { activations: 'int8', weights: 'int8' }, paired] as const) {
    const found = decibels(float, await answer(types));
    t.true(found > 25, `${found} dB with ${JSON.stringify(types)}`);
  }
  t.deepEqual(
    await answer(paired),
    await answer({ ...exactIntegers, pairsIn16Bits: true }),
    'no sum overflows',
  );
});

test('what only converts, and what has no scale on both sides, stays float', async (t) => {
  const apart = classifierWith((network, from) => {
    const one = network.node('Tanh', [from]);
    return network.node('Tanh', [network.node('Add', [one, network.node('Exp', [one])])]);
  });
  t.is((await built(apart)).counts.QLinearAdd, undefined);
  const model = block();
  const scales = await scalesOf(model);
  const [, second] = graphOf(model).node.filter(({ opType }) => opType === 'Conv');
  const relu = graphOf(model).node.find((node) => node.input.includes(second!.output[0]!))!;
  scales.delete(relu.output[0]!);
  const { counts } = await built(model, { scales });
  t.is(
    counts.QLinearConv,
    3,
    'its convolution, the depthwise one that reads it, and the small one are float',
  );
});

const extentsOf = async (model: ModelProto) => {
  const graph = graphOf(model);
  const names = graph.node.flatMap((node) => node.output);
  const all = copyWith(model, { graph: copyWith(graph, { output: names.map(makeUntypedValueInfo) }) });
  const found = Object.entries({ ...(await run(all)), [input]: images });
  return new Map(
    found.map(([name, { data }]) => [
      name,
      { low: data.reduce((a, b) => Math.min(a, b)), high: data.reduce((a, b) => Math.max(a, b)) },
    ]),
  );
};

test('integers of a tensor end where its values end', (t) => {
  const known = { producers: new Map(), constants: new Map(), scales: new Map([['x', 1]]) };
  const grid = (low: number, high: number) =>
    gridOf('x', { ...known, extents: new Map([['x', { low, high }]]) });
  t.deepEqual(gridOf('x', { ...known, extents: new Map() }), { scale: 1, zero: 128 });
  t.deepEqual(
    grid(-51, 204),
    { scale: Math.fround(178 / 255), zero: 73 },
    'the threshold of 127 still clips',
  );
  t.deepEqual(grid(-25.5, 76.5), { scale: Math.fround(0.4), zero: 64 });
  t.deepEqual(
    grid(25.5, 51),
    { scale: Math.fround(0.2), zero: 0 },
    'zero, which padding adds, stays a level',
  );
  t.deepEqual(grid(0, 0), { scale: 1, zero: 128 });
});

test('an engine has the scales of the method that is closest to float on held-out images', async (t) => {
  const model = block();
  const [scales, extents] = [await scalesOf(model), await extentsOf(model)];
  const wide = new Map([...scales].map(([name, scale]) => [name, 8 * scale]));
  const folder = mkdtempSync(join(tmpdir(), 'chosen-'));
  const at = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const given = quantiseFused(model, { scales: wide, types: readIntegerTypes() });
  const build = {
    reference: at('float.onnx', serializeModel(model)),
    inputName: input,
    outputRoles: {},
    shape: images.dims,
  };
  const methods = new Map([['MinMax', scales]]);
  const choice = {
    distributions: at('d.json', writeDistributions(addMethod({ extents: new Map(), scales: methods }, wide))),
    images: at('images.pb', serializeTensor(tensorFromFloats(input, images.dims, images.data))),
  };
  const chosen = await chooseScales(build, choice);
  t.regex(
    chosen.note,
    /the scales of MinMax, within the extents .* on 2 held-out images, .* with the cache alone/,
  );
  const float = (await run(model))[output]!.data;
  const decibelsOf = async (each: ModelProto) => decibels(float, (await run(each))[output]!.data);
  const before = await decibelsOf(given);
  t.true((await decibelsOf(parseModel(chosen.model))) > before + 6, `${before} dB`);
  const within = quantiseFused(model, { scales: wide, extents, types: readIntegerTypes() });
  t.true((await decibelsOf(within)) > before + 6, 'extents alone repair thresholds that are too large');
  const narrow = new Network();
  narrow.head(narrow.node('Relu', [narrow.conv(input, narrow.weight([channels, 3, 3, 3], 0.02))]));
  const request = {
    ...build,
    model: join(folder, 'never-read.onnx'),
    reference: at('narrow.onnx', serializeModel(narrow.model())),
    choice,
    clock: performance,
    verification: undefined,
  };
  const { note, integerOperators } = await buildOnnxRuntime(
    { ...request, engine: join(folder, 'engine.onnx') },
    '0',
  );
  t.is(note, noIntegers);
  t.is(integerOperators, undefined);
  const without = { extents: new Map(), scales: methods };
  writeFileSync(choice.distributions, writeDistributions(without));
  await t.throwsAsync(chooseScales(build, choice), { message: /scales of the calibration cache are not/ });
  writeFileSync(choice.distributions, '{}');
  await t.throwsAsync(chooseScales(build, choice), { message: /distributions of tensors: .*Export again/ });
});

test('a large bias on a channel without weights stays what it is', async (t) => {
  const model = classifierWith((network, from) => {
    const weight = network.floats([channels, channels, 1, 1], new Array(channels ** 2).fill(0));
    const large = network.floats(
      [channels],
      Array.from({ length: channels }, (_, c) => c - 5),
    );
    return network.node('Conv', [from, weight, large]);
  });
  const float = (await run(model))[output]!.data;
  t.true(decibels(float, (await run((await built(model)).path))[output]!.data) > 25);
});

test('a weight that several layers read is quantised once, and each of them is an integer operator', async (t) => {
  const model = classifierWith((network, from) => {
    const shared = network.weight([channels, channels, 3, 3]);
    return biased(network, biased(network, biased(network, from), {}, shared), {}, shared);
  });
  const graph = graphOf(quantiseFused(model, { scales: await scalesOf(model), types: vnni }));
  const weights = graph.initializer.filter(
    ({ name, dims }) => name.endsWith('/integers') && dims.length === 4 && Number(dims[1]) === channels,
  );
  const layers = graph.node.filter(({ opType }) => opType === 'Conv').length - 1; // all but the first, of 3 channels
  t.is(weights.length, layers - 1);
  const { path, counts } = await built(model);
  t.is(counts.QLinearConv, layers);
  t.true(decibels((await run(model))[output]!.data, (await run(path))[output]!.data) > 25);
});

test('graphs of one source with other scales hold the same bytes of weights, in the type of each', async (t) => {
  const model = block();
  const [source, scales] = [prepareFused(model), await scalesOf(model)];
  const wider = new Map([...scales].map(([name, scale]) => [name, 2 * scale]));
  const weightsOf = (request: FusedRequest) =>
    graphOf(quantiseWith(source, request)).initializer.filter(({ name }) =>
      name.endsWith('/weight/integers'),
    );
  const signed = weightsOf({ scales, types: vnni });
  const again = weightsOf({ scales: wider, types: vnni });
  const unsigned = weightsOf({ scales, types: exactIntegers });
  t.true(signed.length > 3);
  for (const [i, { rawData }] of signed.entries()) {
    t.is(again[i]!.rawData, rawData);
    t.deepEqual(
      [...unsigned[i]!.rawData],
      [...new Int8Array(rawData)].map((level) => level + 128),
    );
  }
});

test('the processor decides which integers are used', (t) => {
  const signed = { activations: 'int8', weights: 'int8' };
  const paired: IntegerTypes = { ...vnni, pairsIn16Bits: true };
  t.deepEqual(chooseIntegerTypes('arm64', 'Features : fp asimd asimddp'), signed as IntegerTypes);
  t.deepEqual(chooseIntegerTypes('x64', 'flags : fpu avx2 avx512_vnni amx_int8'), vnni);
  t.deepEqual(chooseIntegerTypes('x64', 'flags : fpu avx2 avx_vnni'), vnni);
  t.deepEqual(chooseIntegerTypes('x64', 'flags : fpu avx2 avx512f'), paired);
});

test('an engine that is slower than float gives a warning of one sentence, with its float layers', (t) => {
  const integers = { operators: 32, floatLayers: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] };
  t.is(describeSlowness(integers, { int8: 3000, float: 3000 }), undefined);
  t.regex(
    describeSlowness(integers, { int8: 18_100, float: 3400 })!,
    /18\.1 ms against 3\.4 ms\. 32 operators compute with integers, 7 layers \(a, b, c, d, e and 2 more\)/,
  );
});
