/** Which inputs of a node are quantised, operator by operator (TensorRT developer guide, "Q/DQ layer-placement recommendations"). */
import test from 'ava';
import { makeGraph } from '../../src/formats/onnx/graph.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { pairRules } from '../../src/graph/precision/pair-rules.ts';
import { quantisedInputs, weightOf } from '../../src/graph/precision/qdq-placement.ts';
import type { Attributes } from '../builders/networks.ts';

type Case = {
  readonly op: string;
  /** Sizes of the constant `w`; without them there is none. */
  readonly weight?: readonly number[];
  readonly inputs?: readonly string[];
  readonly attributes?: Attributes;
  readonly domain?: string;
};

const rule = test.macro({
  exec: (t, { op, weight, inputs = ['x', 'w'], attributes = {}, domain = '' }: Case, expected: number[]) => {
    const node = makeNode(op, { inputs, outputs: ['y'], attributes });
    node.domain = domain;
    const size = (weight ?? []).reduce((product, each) => product * each, 1);
    const constants = new Map(
      weight ? [['w', tensorFromFloats('w', weight, new Float32Array(size))] as const] : [],
    );
    const convs = ['a', 'b'].map((name) => makeNode('Conv', { inputs: ['x', 'v'], outputs: [name] }));
    const relu = makeNode('Relu', { inputs: ['x'], outputs: ['r'] });
    const graph = makeGraph({
      name: 'g',
      inputs: [],
      outputs: [],
      initializers: [],
      nodes: [...convs, relu, node],
    });
    t.deepEqual(quantisedInputs(node, { graph, constants, rules: pairRules.TensorRt }), expected);
  },
  title: (title) => `${title}`,
});

test(
  'a convolution of 16 channels on both sides is quantised',
  rule,
  { op: 'Conv', weight: [16, 16, 1, 1] },
  [0],
);
test('one of 15 output channels is not', rule, { op: 'Conv', weight: [15, 16, 3, 3] }, []);
test('one of 15 input channels is not', rule, { op: 'Conv', weight: [16, 15, 3, 3] }, []);
test('one whose weight is computed is not', rule, { op: 'Conv' }, []);
test('one without a weight is not', rule, { op: 'Conv', inputs: ['x'] }, []);
const group = { group: { int: 8 } };
const grouped = (dims: readonly number[], kernel?: readonly number[]): Case => ({
  op: 'Conv',
  weight: dims,
  attributes: { ...group, ...(kernel && { kernel_shape: { ints: [...kernel] } }) },
});
test('a depthwise convolution of 8 channels and kernel 3 is quantised', rule, grouped([8, 1, 3, 3]), [0]);
test('its kernel is read from the attribute if there is one', rule, grouped([8, 1, 3, 3], [1, 1]), []);
test('one of kernel 1 is not', rule, grouped([8, 1, 1, 1]), []);
test('one of kernel 3 × 2 is not', rule, grouped([8, 1, 3, 2]), []);
test('one of 12 channels is not', rule, grouped([12, 1, 3, 3]), []);
test('another domain’s Conv is not', rule, { op: 'Conv', weight: [16, 16, 3, 3], domain: 'com.example' }, []);
for (const op of ['ConvTranspose', 'Gemm', 'MatMul']) {
  test(`${op} with a constant weight is quantised`, rule, { op, weight: [2, 2] }, [0]);
  test(`${op} with a computed weight is not`, rule, { op }, []);
  test(`${op} with a vector as weight is not`, rule, { op, weight: [2] }, []);
  test(`${op} without a second input is not`, rule, { op, inputs: ['x'], weight: [2, 2] }, []);
}
for (const op of ['AveragePool', 'GlobalAveragePool'])
  test(`${op} is quantised`, rule, { op, inputs: ['x'] }, [0]);
for (const op of ['Relu', 'MaxPool']) test(`${op} is not`, rule, { op, inputs: ['x'] }, []);
test(
  'a sum of a convolution and another tensor: the other one',
  rule,
  { op: 'Add', inputs: ['a', 'r'] },
  [1],
);
test('the same in the other order', rule, { op: 'Add', inputs: ['r', 'a'] }, [0]);
test('a sum of two convolutions: the second', rule, { op: 'Add', inputs: ['a', 'b'] }, [1]);
test('a sum without a convolution: none', rule, { op: 'Add', inputs: ['r', 'x'] }, []);
test('a sum with a constant: none', rule, { op: 'Add', inputs: ['a', 'w'], weight: [1] }, []);

test('only layers have a weight, and only in their second input', (t) => {
  const weight = tensorFromFloats('w', [2, 2], new Float32Array(4));
  const of = (op: string, inputs: readonly string[]) =>
    weightOf(makeNode(op, { inputs, outputs: ['y'] }), new Map([['w', weight]]));
  for (const op of ['Conv', 'ConvTranspose', 'Gemm', 'MatMul']) t.is(of(op, ['x', 'w']), 1, op);
  t.is(of('Add', ['x', 'w']), undefined);
  t.is(of('Conv', ['w', 'x']), undefined);
});

test('an operator named as a member of every object has no rule', (t) => {
  const node = makeNode('constructor', { inputs: ['x'], outputs: ['y'] });
  const graph = makeGraph({ name: 'g', inputs: [], outputs: [], initializers: [], nodes: [node] });
  t.deepEqual(quantisedInputs(node, { graph, constants: new Map(), rules: pairRules.TensorRt }), []);
});
