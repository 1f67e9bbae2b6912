/**
 * Conversion of old graphs to newer opsets: each changed operator runs before and after, and onnx's checker verifies
 * the result.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto, NodeProto, TensorProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  graphOf,
  makeGraph,
  makeModel,
  makeUntypedValueInfo,
  makeValueInfo,
  opsetOf,
} from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { type AttributeValue, makeAttribute, makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { raiseOpset } from '../../src/graph/transforms/raise-opset.ts';
import { runPeer } from '../peers/venv.ts';

const dims = [1, 2, 4, 6] as const;
/** Values of both signs, all different. */
const data = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i * 1.7) * 3);

type Parts = {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly constants?: readonly TensorProto[];
};
type Attributes = Readonly<Record<string, AttributeValue>>;

/** `x` [1,2,4,6] → one node → `y` of undeclared type. */
const old = (opset: number, opType: string, attributes: Attributes = {}, parts: Parts = {}): ModelProto => {
  const { inputs = ['x'], outputs = ['y'], constants = [] } = parts;
  const nodes = [makeNode(opType, { inputs, outputs, attributes })];
  return modelOf(opset, nodes, constants);
};

const modelOf = (
  opset: number,
  nodes: readonly NodeProto[],
  constants: readonly TensorProto[] = [],
): ModelProto =>
  copyWith(
    makeModel({
      name: 'old',
      inputs: [makeValueInfo('x', elementType.float32, dims)],
      outputs: [makeUntypedValueInfo('y')],
      nodes,
      initializers: constants,
      opset,
    }),
    { irVersion: 4n },
  );

const outputOf = async (model: ModelProto) => {
  const session = await openSession(serializeModel(model));
  const { y } = await session.run({ x: { data, dims } });
  await session.release();
  return y!;
};

const ones = (name: string) => tensorFromFloats(name, [2], Float32Array.of(0.5, 2));
const normalisation = { inputs: ['x', 'a', 'b', 'c', 'd'], constants: ['a', 'b', 'c', 'd'].map(ones) };
const scales = (...values: number[]): Parts => ({
  inputs: ['x', 's'],
  constants: [tensorFromFloats('s', [4], Float32Array.from(values))],
});
const nearest = { mode: { string: 'nearest' } };
const linear = { mode: { string: 'linear' } };
const enlarging = { floats: [1, 1, 2, 1.5] };
const toTheEnd = { type: 7, name: 'ends', ints: [9223372036854775807n, -1n] };

const branch = (name: string) => ({
  graph: makeGraph({
    name,
    inputs: [],
    outputs: [makeValueInfo(name, elementType.float32, dims)],
    nodes: [
      makeNode('Clip', { inputs: ['x'], outputs: [name], attributes: { max: { float: name.length / 9 } } }),
    ],
  }),
});

const sliced = (): ModelProto => {
  const model = old(9, 'Slice', { axes: { ints: [2, 3] }, starts: { ints: [1, -4] } });
  const [node] = graphOf(model).node;
  const ends = Object.assign(makeAttribute('ends', { ints: [] }), toTheEnd);
  return modelOf(9, [copyWith(node!, { attribute: [...node!.attribute, ends] })]);
};

const graphs: Readonly<Record<string, ModelProto>> = {
  'Clip on both sides': old(9, 'Clip', { min: { float: -1 }, max: { float: 0.5 } }),
  'Clip from above': old(7, 'Clip', { max: { float: 0.5 } }),
  'Pad with a value': old(9, 'Pad', { pads: { ints: [0, 0, 1, 0, 0, 0, 2, 1] }, value: { float: 7 } }),
  'Pad by reflection': old(10, 'Pad', {
    pads: { ints: [0, 0, 1, 2, 0, 0, 0, 1] },
    mode: { string: 'reflect' },
  }),
  'Slice to the end': sliced(),
  'Slice of the first axes': old(9, 'Slice', { starts: { ints: [0, 1] }, ends: { ints: [1, 2] } }),
  TopK: old(9, 'TopK', { axis: { int: 3 }, k: { int: 2 } }, { outputs: ['y', 'i'] }),
  'Upsample of opset 7': old(7, 'Upsample', { ...nearest, scales: enlarging }),
  'Upsample of opset 9, nearest': old(9, 'Upsample', nearest, scales(1, 1, 2, 1.5)),
  'Upsample of opset 9, linear': old(9, 'Upsample', linear, scales(1, 1, 2, 1.5)),
  'Resize that enlarges': old(10, 'Resize', nearest, scales(1, 1, 2.5, 1.5)),
  'Resize that reduces': old(10, 'Resize', nearest, scales(1, 1, 0.5, 0.4)),
  'linear Resize': old(10, 'Resize', linear, scales(1, 1, 2.5, 1.5)),
  'Dropout with an unused mask': old(9, 'Dropout', { ratio: { float: 0.7 } }, { outputs: ['y', 'm'] }),
  'Dropout of opset 11': old(11, 'Dropout', { ratio: { float: 0.7 } }),
  BatchNormalization: old(7, 'BatchNormalization', { spatial: { int: 1 } }, normalisation),
  Scatter: old(
    9,
    'Scatter',
    { axis: { int: 1 } },
    {
      inputs: ['x', 'at', 'with'],
      constants: [
        tensorFromInt64s('at', [1, 1, 1, 2], [1, 0]),
        tensorFromFloats('with', [1, 1, 1, 2], Float32Array.of(8, 9)),
      ],
    },
  ),
  Squeeze: old(9, 'Squeeze', { axes: { ints: [0] } }),
  Unsqueeze: old(8, 'Unsqueeze', { axes: { ints: [0, 3] } }),
  'ReduceSum over all': old(9, 'ReduceSum', { keepdims: { int: 0 } }),
  'ReduceSum over two axes': old(9, 'ReduceSum', { axes: { ints: [1, 3] } }),
  Split: old(9, 'Split', { axis: { int: 3 }, split: { ints: [2, 4] } }, { outputs: ['z', 'y'] }),
  'Softmax over all but the first': old(9, 'Softmax'),
  'LogSoftmax from the third axis': old(12, 'LogSoftmax', { axis: { int: 2 } }),
  'Hardmax over the last axis': old(11, 'Hardmax', { axis: { int: -1 } }),
  'Softmax over the last axis': old(9, 'Softmax', { axis: { int: 3 } }),
  'Clip in branches': modelOf(
    9,
    [
      makeNode('If', {
        inputs: ['c'],
        outputs: ['y'],
        attributes: { then_branch: branch('then'), else_branch: branch('otherwise') },
      }),
    ],
    [
      Object.assign(tensorFromInt64s('c', [], [0]), {
        dataType: elementType.bool,
        rawData: Uint8Array.of(0),
      }),
    ],
  ),
};

for (const [name, model] of Object.entries(graphs))
  test(`${name} computes the same at opset 13`, async (t) => {
    const raised = raiseOpset(model);
    t.is(opsetOf(raised), 13);
    t.deepEqual(await outputOf(raised), await outputOf(model));
  });

/** Declares the output's type, which the checker requires and verifies. */
const withShape = (model: ModelProto, shape: readonly number[]): ModelProto =>
  copyWith(model, {
    graph: copyWith(graphOf(model), { output: [makeValueInfo('y', elementType.float32, shape)] }),
  });

test("raised models pass onnx's checker", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-raised-'));
  const paths: string[] = [];
  for (const model of Object.values(graphs)) {
    const path = join(folder, `${paths.length}.onnx`);
    const { dims: shape } = await outputOf(model);
    writeFileSync(path, serializeModel(withShape(raiseOpset(model), shape)));
    paths.push(path);
  }
  const found = (await runPeer('check_onnx.py', paths)) as [number, number][];
  t.deepEqual(
    found.map(([opset]) => opset),
    paths.map(() => 13),
  );
});

test('a softmax of known rank stays one node', (t) => {
  const model = old(9, 'Softmax', { axis: { int: 3 } });
  t.is(graphOf(raiseOpset(model)).node.length, 1);
  t.is(graphOf(raiseOpset(old(9, 'Softmax'))).node.length, 4);
});

test('RoiAlign gets the old default explicitly at opset 16', (t) => {
  const model = old(13, 'RoiAlign', {}, { inputs: ['x', 'rois', 'at'] });
  const [before, after] = [15, 16].map((wanted) => graphOf(raiseOpset(model, wanted)).node[0]!.attribute);
  t.deepEqual(before, []);
  t.is(new TextDecoder().decode(after![0]!.s), 'output_half_pixel');
});

const masked = modelOf(9, [
  makeNode('Dropout', { inputs: ['x'], outputs: ['z', 'mask'] }),
  makeNode('Mul', { inputs: ['z', 'mask'], outputs: ['y'] }),
]);
const refused: Readonly<Record<string, readonly [ModelProto, RegExp]>> = {
  'a Dropout whose mask is read': [masked, /Dropout that computes z .*mask/],
  'a normalisation per pixel': [
    old(7, 'BatchNormalization', { spatial: { int: 0 } }, normalisation),
    /BatchNormalization that computes y .*spatial 0/,
  ],
  'a Resize with computed scales': [
    old(10, 'Resize', nearest, { inputs: ['x', 's'] }),
    /Resize that computes y .*scales are computed/,
  ],
  'a Resize in both directions': [old(10, 'Resize', nearest, scales(1, 1, 2, 0.5)), /Resize .*reduces/],
  'a Scan of opset 8': [old(8, 'Scan'), /Scan that computes y/],
  'an experimental operator': [old(9, 'ImageScaler'), /ImageScaler that computes y/],
};

test('an operator that cannot be raised is named', (t) => {
  for (const [name, [model, message]] of Object.entries(refused)) {
    const error = t.throws(() => raiseOpset(model), { message }, name);
    t.is((error as { reason?: string }).reason, 'EngineUnsupported');
  }
});
