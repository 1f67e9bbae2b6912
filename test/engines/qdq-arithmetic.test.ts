/**
 * Integers, scales and graphs of quantisation, calculated by hand: scale = largest |w| / 127, level = round(w / scale),
 * x = (level − zero point) × scale (https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html).
 */
import test from 'ava';
import { graphOf, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { intOf, makeNode } from '../../src/formats/onnx/node.ts';
import { floatsOf, integersOf, tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import {
  quantiseByChannel,
  quantisedWeightName,
  quantiseWeight,
} from '../../src/graph/precision/qdq-weights.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { seededRandom } from '../../src/ground/base/rng.ts';
import type { Attributes } from '../builders/networks.ts';

/** Row by row, so that columns have the largest values 127/4 and 127/2, and rows 127/4 and 127/2 as well. */
const square = [31.75, -2, 7.5, 63.5];

type Expected = {
  readonly levels: readonly number[];
  readonly scales: readonly number[];
  readonly axis: number | undefined;
};

const weighted = test.macro({
  exec: (t, op: string, dims: readonly number[], expected: Expected, attributes: Attributes = {}) => {
    const weight = tensorFromFloats('w', dims, Float32Array.from(square));
    const node = makeNode(op, { name: 'layer', inputs: ['x', 'w'], outputs: ['y'], attributes });
    const { dequantise, tensors } = quantiseWeight(node, weight);
    const axis = expected.axis ?? 'All';
    t.deepEqual(
      tensors.map(({ name }) => name),
      [`w/axis${axis}/int8`, `w/axis${axis}/scale`, `w/axis${axis}/zero`],
    );
    const [levels, scales, zeros] = tensors;
    t.deepEqual(integersOf(levels!), [...expected.levels]);
    t.deepEqual(levels!.dims.map(Number), [...dims]);
    t.deepEqual([...floatsOf(scales!)], [...expected.scales]);
    t.deepEqual(
      integersOf(zeros!),
      expected.scales.map(() => 0),
    );
    const count = expected.axis === undefined ? [] : [expected.scales.length];
    for (const tensor of [scales!, zeros!]) t.deepEqual(tensor.dims.map(Number), count);
    t.like(dequantise, {
      opType: 'DequantizeLinear',
      name: `w/axis${axis}/DQ`,
      input: tensors.map(({ name }) => name),
    });
    t.deepEqual(dequantise.output, [`w/axis${axis}/dequantized`]);
    t.is(quantisedWeightName(node, weight), `w/axis${axis}/dequantized`);
    t.is(dequantise.attribute.length, expected.axis === undefined ? 0 : 1);
    t.is(intOf(dequantise, 'axis', -1), expected.axis ?? -1);
  },
  title: (title) => `${title}`,
});

// Rows: scales 31.75/127 = 1/4 and 63.5/127 = 1/2; −2 / (1/4) = −8 and 7.5 / (1/2) = 15.
const byRow = { levels: [127, -8, 15, 127], scales: [0.25, 0.5], axis: 0 };
// Columns: the same scales; −2 / (1/2) = −4 and 7.5 / (1/4) = 30.
const byColumn = { levels: [127, -4, 30, 127], scales: [0.25, 0.5], axis: 1 };
// One scale, 1/2: 31.75 / (1/2) = 63.5, which rounds to 64.
const whole = { levels: [64, -4, 15, 127], scales: [0.5], axis: undefined };
test('a convolution has a scale for each of its first dimension', weighted, 'Conv', [2, 2, 1, 1], byRow);
test('a transposed convolution for each of its second', weighted, 'ConvTranspose', [2, 2, 1, 1], byColumn);
test('a matrix for each column', weighted, 'MatMul', [2, 2], byColumn);
test('a Gemm for each column', weighted, 'Gemm', [2, 2], byColumn);
test('a transposed Gemm for each row', weighted, 'Gemm', [2, 2], byRow, { transB: { int: 1 } });
test('a stack of matrices has one scale', weighted, 'MatMul', [1, 2, 2], whole);
// Innermost dimension of 2: channel 0 has 31.75 and −2, channel 1 has 7.5 and 63.5.
test('a channel is all values behind its axis', weighted, 'ConvTranspose', [1, 2, 2], { ...byRow, axis: 1 });

test('a channel of zeros has the smallest normal float32 as scale', (t) => {
  const node = makeNode('Conv', { inputs: ['x', 'w'], outputs: ['y'] });
  const { tensors } = quantiseWeight(node, tensorFromFloats('w', [2, 1], Float32Array.of(0, -127)));
  t.deepEqual([...floatsOf(tensors[1]!)], [2 ** -126, 1]);
  t.deepEqual(integersOf(tensors[0]!), [0, -127]);
});

const eye = tensorFromFloats('w', [2, 2], Float32Array.of(1, 0, 0, 1));
/** x → MatMul → Relu → MatMul with the same weight → y. */
const twoProducts = () =>
  makeModel({
    name: 'two products',
    opset: 13,
    inputs: [makeValueInfo('x', 1, [1, 2])],
    outputs: [makeValueInfo('y', 1, [1, 2])],
    initializers: [eye, tensorFromFloats('unused', [1], Float32Array.of(1))],
    nodes: [
      makeNode('MatMul', { name: 'first', inputs: ['x', 'w'], outputs: ['a'] }),
      makeNode('Relu', { name: 'relu', inputs: ['a'], outputs: ['r'] }),
      makeNode('MatMul', { name: 'second', inputs: ['r', 'w'], outputs: ['y'] }),
    ],
  });

const linesOf = (model: ReturnType<typeof twoProducts>): readonly string[] =>
  graphOf(model).node.map(({ name, opType, input, output }) => `${name}: ${opType} ${input} → ${output}`);

test('levels are those of Math.round within 127, also in the middle between two, and not a number is 0', (t) => {
  const random = seededRandom(5);
  const middles = Array.from({ length: 512 }, (_, i) => (i - 256) / 2);
  const others = Array.from({ length: 4096 }, () => (random() - 0.5) * 300);
  const values = Float32Array.of(...middles, ...others, Number.POSITIVE_INFINITY, -1e30, Number.NaN, -0);
  for (const step of [1, 0.1, 0.3333, 2 ** -20, 1e-30]) {
    const scale = Math.fround(step);
    const scaled = values.map((value) => value * scale);
    const wanted = [...scaled].map((value) => Math.max(-127, Math.min(127, Math.round(value / scale))) || 0);
    t.deepEqual([...quantiseByChannel(scaled, Float32Array.of(scale), scaled.length)], wanted);
  }
});

test('pairs precede the first reader, a shared weight is dequantised once, and unread tensors are dropped', (t) => {
  const model = quantiseModel(
    twoProducts(),
    new Map([
      ['x', 0.5],
      ['r', 0.25],
    ]),
  );
  t.deepEqual(linesOf(model), [
    'x/Q: QuantizeLinear x,x/scale,qdq/zero → x/quantized',
    'x/DQ: DequantizeLinear x/quantized,x/scale,qdq/zero → x/dequantized',
    'w/axis1/DQ: DequantizeLinear w/axis1/int8,w/axis1/scale,w/axis1/zero → w/axis1/dequantized',
    'first: MatMul x/dequantized,w/axis1/dequantized → a',
    'relu: Relu a → r',
    'r/Q: QuantizeLinear r,r/scale,qdq/zero → r/quantized',
    'r/DQ: DequantizeLinear r/quantized,r/scale,qdq/zero → r/dequantized',
    'second: MatMul r/dequantized,w/axis1/dequantized → y',
  ]);
  const tensors = new Map(graphOf(model).initializer.map((tensor) => [tensor.name, tensor]));
  t.deepEqual([...tensors.keys()].sort(), [
    'qdq/zero',
    'r/scale',
    'w/axis1/int8',
    'w/axis1/scale',
    'w/axis1/zero',
    'x/scale',
  ]);
  t.deepEqual([...floatsOf(tensors.get('x/scale')!), ...floatsOf(tensors.get('r/scale')!)], [0.5, 0.25]);
  t.deepEqual(integersOf(tensors.get('qdq/zero')!), [0]);
});

test('a layer whose tensor has no scale stays float, with its float weight', (t) => {
  const model = quantiseModel(twoProducts(), new Map([['r', 0.25]]));
  t.is(linesOf(model)[0], 'first: MatMul x,w → a');
  t.true(graphOf(model).initializer.some(({ name }) => name === 'w'));
});

test('scales of another model are refused; a graph without int8 layers stays as it is', (t) => {
  const error = t.throws(() => quantiseModel(twoProducts(), new Map([['other', 1]])), {
    instanceOf: UserError,
  });
  t.is((error as UserError).reason, 'CacheInvalid');
  t.regex((error as UserError).message, /no scale for any of the 2 tensors that would be quantised \(x …\)/);
  const plain = makeModel({
    name: 'plain',
    opset: 13,
    inputs: [makeValueInfo('x', 1, [1, 2])],
    outputs: [makeValueInfo('y', 1, [1, 2])],
    initializers: [],
    nodes: [makeNode('Relu', { name: 'relu', inputs: ['x'], outputs: ['y'] })],
  });
  t.deepEqual(linesOf(quantiseModel(plain, new Map())), ['relu: Relu x → y']);
});
