/** Placement of Q/DQ pairs by TensorRT's rules: on inputs of int8 layers, and on one branch of a residual sum. */
import test from 'ava';
import type { NodeProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf, makeModel, makeValueInfo, opsetOf } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { type PairRules, pairRules } from '../../src/graph/precision/pair-rules.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';

const weight = (name: string, dims: readonly number[]) => {
  const length = dims.reduce((product, size) => product * size, 1);
  return tensorFromFloats(
    name,
    dims,
    Float32Array.from({ length }, (_, i) => Math.sin(i) / 8),
  );
};

const conv = (input: string, output: string, inputs = [`${output}/w`, `${output}/b`]) =>
  makeNode('Conv', { name: output, inputs: [input, ...inputs], outputs: [output] });

/** x [N,16,4,4] through these nodes; every tensor that they write has a scale. */
const quantised = (
  nodes: readonly NodeProto[],
  { output = nodes.at(-1)!.output[0]!, opset = 11, rules = pairRules.TensorRt } = {},
) => {
  const convs = nodes.filter(({ opType }) => opType === 'Conv').map(({ name }) => name);
  const model = makeModel({
    name: 'some',
    opset,
    inputs: [makeValueInfo('x', 1, ['N', 16, 4, 4])],
    outputs: [makeValueInfo(output, 1, undefined)],
    initializers: [
      ...convs.flatMap((name) => [weight(`${name}/w`, [16, 16, 1, 1]), weight(`${name}/b`, [16])]),
      weight('wide/w', [16, 32, 1, 1]),
      weight('turned/w', [16, 16, 1, 1]),
      weight('matrix/w', [256, 32]),
    ],
    nodes: [...nodes],
  });
  const scales = new Map(['x', ...nodes.flatMap((node) => node.output)].map((name) => [name, 0.02]));
  return quantiseModel(model, scales, rules);
};

/** Inputs of each node, with the pair's name if quantised. */
const readBy = (model: ReturnType<typeof quantised>, name: string): readonly string[] =>
  graphOf(model).node.find((node) => node.name === name)!.input;

test('in a residual sum the branch without a convolution is quantised, so that conv, add and relu fuse', (t) => {
  const sum = makeNode('Add', { name: 'sum', inputs: ['a', 'x'], outputs: ['sum'] });
  t.deepEqual(readBy(quantised([conv('x', 'a'), sum]), 'sum'), ['a', 'x/dequantized']);
  const turned = makeNode('Add', { name: 'sum', inputs: ['x', 'a'], outputs: ['sum'] });
  t.deepEqual(readBy(quantised([conv('x', 'a'), turned]), 'sum'), ['x/dequantized', 'a']);
});

test('of two convolutions the one that the other reads is quantised, because it cannot wait for the sum', (t) => {
  const chain = [conv('x', 'a'), conv('a', 'b')];
  for (const [inputs, expected] of [
    [
      ['a', 'b'],
      ['a/dequantized', 'b'],
    ],
    [
      ['b', 'a'],
      ['b', 'a/dequantized'],
    ],
  ] as const) {
    const model = quantised([...chain, makeNode('Add', { name: 'sum', inputs, outputs: ['sum'] })]);
    t.deepEqual(readBy(model, 'sum'), expected);
    const pairs = graphOf(model).node.filter(({ opType }) => opType === 'QuantizeLinear');
    t.deepEqual(
      pairs.map(({ input }) => input[0]),
      ['x', 'a'],
      'the pair that the second convolution has anyway',
    );
  }
});

test('in a sum of two convolutions as far from the inputs the second is quantised; a sum without convolutions stays float', (t) => {
  const both = makeNode('Add', { name: 'sum', inputs: ['a', 'b'], outputs: ['sum'] });
  t.deepEqual(readBy(quantised([conv('x', 'a'), conv('x', 'b'), both]), 'sum'), ['a', 'b/dequantized']);
  const relu = makeNode('Relu', { inputs: ['x'], outputs: ['r'] });
  const none = makeNode('Add', { name: 'sum', inputs: ['r', 'x'], outputs: ['sum'] });
  t.deepEqual(readBy(quantised([relu, none, conv('sum', 'c')]), 'sum'), ['r', 'x']);
});

test('a Concat gets no pair, its readers do; biases stay float', (t) => {
  const side = makeNode('Concat', {
    name: 'side',
    inputs: ['a', 'b'],
    outputs: ['side'],
    attributes: { axis: { int: 1 } },
  });
  const model = quantised([conv('x', 'a'), conv('x', 'b'), side, conv('side', 'c', ['wide/w'])]);
  t.deepEqual(readBy(model, 'side'), ['a', 'b']);
  t.deepEqual(readBy(model, 'c'), ['side/dequantized', 'wide/w/axis0/dequantized']);
  t.is(readBy(model, 'a')[2], 'a/b');
  const pairs = graphOf(model).node.filter(({ opType }) => opType === 'QuantizeLinear');
  t.deepEqual(
    pairs.map(({ input }) => input[0]),
    ['x', 'side'],
    'one pair a tensor, however many nodes read it',
  );
});

test('the graph is raised to an opset that has scales per channel, and runs', async (t) => {
  const model = quantised([conv('x', 'a'), conv('a', 'c')]);
  t.true(opsetOf(model) >= 13);
  const session = await openSession(serializeModel(model));
  const data = Float32Array.from({ length: 256 }, (_, i) => Math.cos(i));
  const { c } = await session.run({ x: { data, dims: [1, 16, 4, 4] } });
  await session.release();
  t.true(c!.data.some((value) => value !== 0));
});

/** One node of each operator in the rules, which reads the output of a convolution. */
const operators: Readonly<Record<string, readonly NodeProto[]>> = {
  Conv: [conv('a', 'read')],
  ConvTranspose: [makeNode('ConvTranspose', { name: 'read', inputs: ['a', 'turned/w'], outputs: ['read'] })],
  Gemm: [
    makeNode('Flatten', { inputs: ['a'], outputs: ['flat'] }),
    makeNode('Gemm', { name: 'read', inputs: ['flat', 'matrix/w'], outputs: ['read'] }),
  ],
  MatMul: [
    makeNode('Flatten', { inputs: ['a'], outputs: ['flat'] }),
    makeNode('MatMul', { name: 'read', inputs: ['flat', 'matrix/w'], outputs: ['read'] }),
  ],
  AveragePool: [
    makeNode('AveragePool', {
      name: 'read',
      inputs: ['a'],
      outputs: ['read'],
      attributes: { kernel_shape: { ints: [2, 2] } },
    }),
  ],
  GlobalAveragePool: [makeNode('GlobalAveragePool', { name: 'read', inputs: ['a'], outputs: ['read'] })],
  Add: [makeNode('Add', { name: 'read', inputs: ['x', 'a'], outputs: ['read'] })],
};

const hasPair = (nodes: readonly NodeProto[], rules: PairRules): boolean =>
  readBy(quantised([conv('x', 'a'), ...nodes], { rules }), 'read').some((name) =>
    /^(a|flat|x)\/deq/.test(name),
  );

for (const [backend, rules] of Object.entries(pairRules))
  test(`each row of the rules for ${backend} places a pair, and without it the operator stays in float`, (t) => {
    t.deepEqual(Object.keys(rules).sort(), Object.keys(operators).sort());
    for (const [operator, nodes] of Object.entries(operators)) {
      t.true(hasPair(nodes, rules), operator);
      const { [operator]: _, ...others } = rules;
      t.false(hasPair(nodes, { ...others, ...(operator !== 'Conv' && { Conv: 'WideWeight' }) }), operator);
    }
  });
