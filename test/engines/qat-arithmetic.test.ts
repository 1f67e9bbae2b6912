/** What trained quantisers mean in numbers, calculated by hand: x = (level − zero point) × scale, range = scale × levels. */
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { TensorProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { floatOf, makeNode } from '../../src/formats/onnx/node.ts';
import {
  floatsOf,
  tensorFromFloat16s,
  tensorFromFloats,
  tensorFromInt8s,
} from '../../src/formats/onnx/tensor.ts';
import type { TrainedPair } from '../../src/graph/precision/qat.ts';
import { clipWeight, makeClip } from '../../src/graph/precision/qat-clip.ts';
import {
  channelIndex,
  dequantiseWeight,
  isDequantize,
  isQuantize,
  type Quantiser,
  quantiserOf,
  sameQuantiser,
} from '../../src/graph/precision/qat-quantiser.ts';
import { computeTrainedRanges } from '../../src/graph/precision/qat-ranges.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { Attributes } from '../builders/networks.ts';

const floats = (name: string, dims: readonly number[], ...values: number[]) =>
  tensorFromFloats(name, dims, Float32Array.from(values));
const int8s = (name: string, dims: readonly number[], ...values: number[]) =>
  tensorFromInt8s(name, dims, Int8Array.from(values));
const constantsOf = (...tensors: TensorProto[]) => new Map(tensors.map((tensor) => [tensor.name, tensor]));
const quantiser = (changes: Partial<Quantiser> = {}): Quantiser => ({
  scale: Float32Array.of(0.5),
  zeroPoint: Float32Array.of(0),
  type: 'int8',
  ...changes,
});
const dequantize = (inputs: readonly string[], attributes: Attributes = {}) =>
  makeNode('DequantizeLinear', { name: 'dq', inputs, outputs: ['y'], attributes });

test('each operator is recognised by its type', (t) => {
  const [quantise, other] = [makeNode('QuantizeLinear', { inputs: [], outputs: [] }), dequantize([])];
  t.deepEqual([isQuantize(quantise), isQuantize(other)], [true, false]);
  t.deepEqual([isDequantize(quantise), isDequantize(other)], [false, true]);
});

test('quantisers are equal if all their numbers are; an absent zero point is zero; a computed one equals none', (t) => {
  const absent = new Float32Array();
  t.true(sameQuantiser(quantiser(), quantiser()));
  t.true(sameQuantiser(quantiser(), quantiser({ zeroPoint: absent })));
  t.true(sameQuantiser(quantiser({ zeroPoint: absent }), quantiser()));
  t.false(sameQuantiser(quantiser({ zeroPoint: Float32Array.of(1) }), quantiser({ zeroPoint: absent })));
  t.false(sameQuantiser(quantiser(), quantiser({ scale: Float32Array.of(0.25) })));
  t.false(sameQuantiser(quantiser(), quantiser({ scale: Float32Array.of(0.5, 0.25) })));
  t.false(sameQuantiser(quantiser({ scale: Float32Array.of(0.5, 0.25) }), quantiser()));
  t.false(sameQuantiser(quantiser(), quantiser({ zeroPoint: Float32Array.of(0, 1) })));
  for (const unknown of [quantiser({ scale: undefined }), quantiser({ zeroPoint: undefined })]) {
    t.false(sameQuantiser(unknown, quantiser()));
    t.false(sameQuantiser(quantiser(), unknown));
  }
});

test('a quantiser has the type of its zero point, or output_dtype, or uint8', (t) => {
  const scale = floats('s', [], 0.5);
  const zero = int8s('z', [], 3);
  const read = (inputs: readonly string[], attributes?: Attributes) =>
    quantiserOf(dequantize(inputs, attributes), constantsOf(scale, zero));
  t.deepEqual(read(['x', 's', 'z']), quantiser({ zeroPoint: Float32Array.of(3) }));
  t.deepEqual(read(['x', 's']), quantiser({ zeroPoint: new Float32Array(), type: 'uint8' }));
  t.deepEqual(read(['x', 's', '']), quantiser({ zeroPoint: new Float32Array(), type: 'uint8' }));
  const dtype = { output_dtype: { int: elementType.int16 } };
  t.deepEqual(read(['x', 's'], dtype), quantiser({ zeroPoint: new Float32Array(), type: 'int16' }));
  t.deepEqual(read(['x', 's', 'computed']), quantiser({ zeroPoint: undefined, type: 'uint8' }));
  t.is(read(['x', 'computed', 'z']).scale, undefined);
  t.is(read(['x']).scale, undefined);
});

test('the channel of an element follows its axis, from either end', (t) => {
  const of = (dims: readonly number[], axis: number, scales: number) =>
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) =>
      channelIndex(dims, { axis, scales })(i),
    );
  t.deepEqual(of([2, 3], 0, 2), [0, 0, 0, 1, 1, 1]);
  t.deepEqual(of([2, 3], 1, 3), [0, 1, 2, 0, 1, 2]);
  t.deepEqual(of([2, 3], -1, 3), [0, 1, 2, 0, 1, 2]);
  t.deepEqual(of([2, 3], -2, 2), [0, 0, 0, 1, 1, 1]);
  t.deepEqual(of([2, 2, 2], 1, 2), [0, 0, 1, 1, 0, 0, 1, 1]);
  t.deepEqual(of([2, 3], 0, 1), [0, 0, 0, 0, 0, 0]);
});

const levels = int8s('w', [2, 2], 10, -20, 30, 127);

test('a weight has the values of its levels: one scale, or one for each channel with its zero point', (t) => {
  const scales = constantsOf(
    floats('one', [], 0.5),
    int8s('two', [], 2),
    floats('each', [2], 0.5, 0.25),
    int8s('zeros', [2], 0, 7),
  );
  const values = (inputs: readonly string[], attributes?: Attributes) => {
    const made = dequantiseWeight(dequantize(inputs, attributes), levels, scales);
    t.deepEqual([made.name, made.dims.map(Number), made.dataType], ['y', [2, 2], elementType.float32]);
    return [...floatsOf(made)];
  };
  t.deepEqual(values(['w', 'one']), [5, -10, 15, 63.5]);
  t.deepEqual(values(['w', 'one', 'two']), [4, -11, 14, 62.5]);
  // Axis 1 unless it is given: columns.
  t.deepEqual(values(['w', 'each', 'zeros']), [5, -6.75, 15, 30]);
  t.deepEqual(values(['w', 'each', 'two']), [4, -5.5, 14, 31.25]);
  t.deepEqual(values(['w', 'each', 'zeros'], { axis: { int: 0 } }), [5, -10, 5.75, 30]);
});

test('a weight with float16 scales is float16', (t) => {
  const scale = tensorFromFloat16s('s', [], Float32Array.of(0.5));
  const made = dequantiseWeight(dequantize(['w', 's']), levels, constantsOf(scale));
  t.is(made.dataType, elementType.float16);
  t.deepEqual([...floatsOf(made)], [5, -10, 15, 63.5]);
});

test('scales in blocks, and scales that the graph computes, are refused', (t) => {
  const known = constantsOf(floats('s', [], 0.5));
  for (const node of [
    dequantize(['w', 's'], { block_size: { int: 2 } }),
    dequantize(['w', 'computed']),
    dequantize(['w']),
    dequantize(['w', 's', 'computed']),
  ]) {
    const error = t.throws(() => dequantiseWeight(node, levels, known), {
      instanceOf: UserError,
    }) as UserError;
    t.is(error.reason, 'ModelUnsupported');
    t.regex(error.message, /the weight w has scales in blocks, or scales that the graph computes/);
  }
});

const pair = (changes: Partial<TrainedPair> = {}): TrainedPair => ({
  ...quantiser(),
  tensor: 'x',
  clipped: undefined,
  cascaded: false,
  ...changes,
});

const rangesOf = (...pairs: TrainedPair[]) => Object.fromEntries(computeTrainedRanges(pairs));

test('a range is scale × 127 for int8 and for uint8 around 128, and scale × 255 for uint8 from 0', (t) => {
  t.deepEqual(rangesOf(pair()), { x: 63.5 });
  t.deepEqual(rangesOf(pair({ type: 'uint8', zeroPoint: Float32Array.of(128) })), { x: 63.5 });
  t.deepEqual(rangesOf(pair({ type: 'uint8' })), { x: 127.5 });
  t.deepEqual(rangesOf(pair({ type: 'uint8', zeroPoint: new Float32Array() })), { x: 127.5 });
});

test('the largest range of a tensor counts, and a clipped tensor has that of its pair', (t) => {
  const [small, large] = [pair({ scale: Float32Array.of(0.25) }), pair()];
  t.deepEqual(rangesOf(small, large), { x: 63.5 });
  t.deepEqual(rangesOf(large, small), { x: 63.5 });
  t.deepEqual(rangesOf(pair({ clipped: 'c' })), { x: 63.5, c: 63.5 });
});

const unusable = test.macro({
  exec: (t, changes: Partial<TrainedPair>, found: string) => {
    const error = t.throws(() => rangesOf(pair(changes)), { instanceOf: UserError }) as UserError;
    t.is(error.reason, 'ModelUnsupported');
    t.true(error.message.includes(`tensor x: ${found}. `), error.message);
    t.true(error.message.includes('forcePtq'), error.message);
  },
  title: (_, changes: Partial<TrainedPair>, found: string) =>
    `refused for its ${Object.keys(changes).join(' and ')}: ${found}`,
});
test(unusable, { cascaded: true }, 'it is quantised twice in a row');
test(unusable, { scale: undefined }, 'its scale is computed by the graph');
test(unusable, { zeroPoint: undefined }, 'its scale is computed by the graph');
test(unusable, { scale: Float32Array.of(1, 2) }, 'it has 2 scales, and an activation has one');
for (const scale of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
  test(unusable, { scale: Float32Array.of(scale) }, `its scale is ${scale}`);
const around = (type: string, zero: number) =>
  [
    { type, zeroPoint: Float32Array.of(zero) },
    `it is quantised to ${type} around ${zero}, and engines take int8 around 0`,
  ] as const;
for (const [type, zero] of [
  ['int8', 1],
  ['uint8', 127],
  ['int16', 0],
  ['int16', 128],
] as const)
  test(unusable, ...around(type, zero));

const range = (low: number, high: number, step = 1) => ({
  low: Float32Array.of(low),
  high: Float32Array.of(high),
  step: Float32Array.of(step),
});

test('a Clip has its bounds as attributes below opset 11, and as inputs of the data type from there on', (t) => {
  const place = { from: 'a', to: 'b', dataType: elementType.float32 };
  const old = makeClip(range(-2, 3), { ...place, opset: 10 });
  t.like(old.node, { opType: 'Clip', name: 'b/Clip', input: ['a'], output: ['b'] });
  t.deepEqual([floatOf(old.node, 'min', 0), floatOf(old.node, 'max', 0)], [-2, 3]);
  t.deepEqual(old.bounds, []);
  for (const dataType of [elementType.float32, elementType.float16]) {
    const { node, bounds } = makeClip(range(-2, 3), { ...place, dataType, opset: 11 });
    t.like(node, { opType: 'Clip', name: 'b/Clip', input: ['a', 'b/low', 'b/high'], output: ['b'] });
    t.deepEqual(node.attribute, []);
    t.deepEqual(
      bounds.map(({ name }) => name),
      ['b/low', 'b/high'],
    );
    t.deepEqual(
      bounds.map((bound) => [...floatsOf(bound)]),
      [[-2], [3]],
    );
    t.deepEqual(
      bounds.map((bound) => [bound.dataType, bound.dims.length]),
      [
        [dataType, 0],
        [dataType, 0],
      ],
    );
  }
});

const quantise = (attributes: Attributes = {}) =>
  makeNode('QuantizeLinear', { inputs: ['w'], outputs: ['q'], attributes });
const valuesOf = (weight: TensorProto | undefined) => weight && [...floatsOf(weight)];

test('a weight is clipped to its range unless that changes nothing by more than half a step', (t) => {
  const weight = floats('w', [2, 2], -4, 1, 3.5, 2);
  t.deepEqual(valuesOf(clipWeight(weight, range(-2, 3, 0.5), quantise())), [-2, 1, 3, 2]);
  t.deepEqual(valuesOf(clipWeight(weight, range(-3.5, 3.5, 0.99), quantise())), [-3.5, 1, 3.5, 2]);
  t.is(clipWeight(weight, range(-3.5, 3.5, 1), quantise()), undefined);
  t.is(clipWeight(weight, range(-9, 9, 1), quantise()), undefined);
});

test('each channel of a weight is clipped to its own range; the tensor keeps name, sizes and type', (t) => {
  const each = { low: Float32Array.of(-1, -9), high: Float32Array.of(1, 9), step: Float32Array.of(0.5, 0.5) };
  const weight = tensorFromFloat16s('w', [2, 2], Float32Array.of(-4, -4, 4, 4));
  const clipped = clipWeight(weight, each, quantise())!;
  t.deepEqual([clipped.name, clipped.dims.map(Number), clipped.dataType], ['w', [2, 2], elementType.float16]);
  t.deepEqual(valuesOf(clipped), [-1, -4, 1, 4]);
  t.deepEqual(valuesOf(clipWeight(weight, each, quantise({ axis: { int: 0 } }))), [-1, -1, 4, 4]);
  const coarse = { ...each, step: Float32Array.of(6, 0.5) };
  t.is(clipWeight(weight, coarse, quantise()), undefined);
  t.is(clipWeight(floats('v', [1], 5), range(-1, 1), quantise())!.dataType, elementType.float32);
});
