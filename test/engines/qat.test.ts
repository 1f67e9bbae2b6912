/** Scales of training, removed from the graph: compared with onnxruntime's quantiser and with an independent reader. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto, NodeProto, TensorProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf, isQat, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { parseModel, readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { floatsOf, tensorFromFloats, tensorFromInt8s } from '../../src/formats/onnx/tensor.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { peelQat } from '../../src/graph/precision/qat.ts';
import { computeTrainedRanges } from '../../src/graph/precision/qat-ranges.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { agreementOf } from '../builders/agreement.ts';
import { type QatKind, qatModel } from '../models/qat.ts';
import { runPeer } from '../peers/venv.ts';

const pixels = Float32Array.from({ length: 2 * 3 * 48 * 192 }, (_, i) => ((i * 7919) % 256) - 110);

const outputsOn = async (model: ModelProto) => {
  const session = await openSession(serializeModel(model));
  const outputs = await session.run({ input_1: { data: pixels, dims: [2, 3, 48, 192] } });
  await session.release();
  return outputs;
};

for (const kind of ['int8', 'uint8'] as const satisfies readonly QatKind[])
  test(`ranges and weights of a ${kind} graph by onnxruntime's quantiser equal those of its own reader`, async (t) => {
    const { path, clean, ranges } = await qatModel(kind);
    const { model, pairs } = peelQat(await readModelFile(path));
    t.deepEqual(
      [...computeTrainedRanges(pairs)].sort(),
      Object.entries(ranges).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    t.true(pairs.length > 60, `${pairs.length} pairs`);
    t.false(isQat(model));
    const { sqnrDb } = agreementOf(await outputsOn(await readModelFile(clean)), await outputsOn(model), 2);
    t.true(sqnrDb > 120, `${sqnrDb} dB`);
  });

test("the resulting float graph passes onnx's checker and keeps nothing that only the pairs needed", async (t) => {
  const { path } = await qatModel('int8');
  const { model } = peelQat(await readModelFile(path));
  const clean = join(mkdtempSync(join(tmpdir(), 'tlt-qat-')), 'clean.onnx');
  writeFileSync(clean, serializeModel(model));
  t.truthy(await runPeer('check_onnx.py', [clean]));
  const { node, initializer } = graphOf(model);
  const read = new Set(node.flatMap(({ input }) => input));
  t.deepEqual(
    initializer.filter(({ name }) => !read.has(name)).map(({ name }) => name),
    [],
  );
});

const float = (name: string, ...values: number[]) =>
  tensorFromFloats(name, values.length === 1 ? [] : [values.length], Float32Array.from(values));
const int8 = (name: string, ...values: number[]) =>
  tensorFromInt8s(name, values.length === 1 ? [] : [values.length], Int8Array.from(values));
const uint8 = (name: string, value: number): TensorProto => ({
  ...int8(name, value),
  dataType: elementType.uint8,
});

const pair = (from: string, to: string, scale: string, zero = 'zero'): NodeProto[] => {
  const parameters = zero === '' ? [scale] : [scale, zero];
  return [
    makeNode('QuantizeLinear', { inputs: [from, ...parameters], outputs: [`${to}/q`] }),
    makeNode('DequantizeLinear', { inputs: [`${to}/q`, ...parameters], outputs: [to] }),
  ];
};

type Parts = { readonly nodes: NodeProto[]; readonly tensors?: TensorProto[]; readonly outputs?: string[] };

/** A graph of `x` [2] with the scales s = 0.5, t = 0.25 and the zero point 0. */
const small = ({ nodes, tensors = [], outputs = ['y'] }: Parts): ModelProto =>
  makeModel({
    name: 'small',
    inputs: [makeValueInfo('x', elementType.float32, [2])],
    outputs: outputs.map((name) => makeValueInfo(name, elementType.float32, [2])),
    nodes,
    initializers: [float('s', 0.5), float('t', 0.25), int8('zero', 0), ...tensors],
    opset: 13,
  });

const node = (opType: string, inputs: string[], output: string) =>
  makeNode(opType, { inputs, outputs: [output] });

const convertsTo = test.macro({
  title: (title) => `${title}`,
  exec: (t, parts: Parts, ranges: Record<string, number>, ops: string[]) => {
    const { model, pairs } = peelQat(small(parts));
    t.deepEqual(Object.fromEntries(computeTrainedRanges(pairs)), ranges);
    t.deepEqual(
      graphOf(model).node.map(({ opType, input, output }) => `${output[0]}=${opType}(${input})`),
      ops,
    );
  },
});

test(
  'a tensor with two pairs has the larger range',
  convertsTo,
  { nodes: [...pair('x', 'a', 's'), ...pair('x', 'b', 't'), node('Add', ['a', 'b'], 'y')] },
  { x: 0.5 * 127 },
  ['y=Add(x,x)'],
);
test(
  'a pair before an output is removed, and the output keeps its name',
  convertsTo,
  { nodes: [node('Relu', ['x'], 'r'), ...pair('r', 'y', 't')] },
  { y: 0.25 * 127 },
  ['y=Relu(x)'],
);
test(
  'a quantised input that is also an output is copied',
  convertsTo,
  { nodes: pair('x', 'y', 's') },
  { x: 0.5 * 127 },
  ['y=Identity(x)'],
);
test(
  'a value with two outputs is computed once',
  convertsTo,
  {
    nodes: [node('Relu', ['x'], 'r'), ...pair('r', 'y', 's'), ...pair('r', 'z', 't')],
    outputs: ['y', 'z'],
  },
  { y: 0.5 * 127 },
  ['y=Relu(x)', 'z=Identity(y)'],
);
test(
  'a float weight loses its pair and is unchanged',
  convertsTo,
  { nodes: [...pair('w', 'wq', 's'), node('Mul', ['x', 'wq'], 'y')], tensors: [float('w', 1, 2)] },
  {},
  ['y=Mul(x,w)'],
);
test(
  'a value computed only from weights is a weight',
  convertsTo,
  {
    nodes: [node('Neg', ['w'], 'n'), ...pair('n', 'wq', 's'), node('Mul', ['x', 'wq'], 'y')],
    tensors: [float('w', 1, 2)],
  },
  {},
  ['n=Neg(w)', 'y=Mul(x,n)'],
);
test(
  'unsigned levels around 128 equal int8',
  convertsTo,
  { nodes: [...pair('x', 'a', 's', 'middle'), node('Relu', ['a'], 'y')], tensors: [uint8('middle', 128)] },
  { x: 0.5 * 127 },
  ['y=Relu(x)'],
);
test(
  'unsigned levels from zero, as after a ReLU, have twice the range; this is the default without a zero point',
  convertsTo,
  { nodes: [...pair('x', 'a', 's', ''), node('Relu', ['a'], 'y')] },
  { x: 0.5 * 255 },
  ['y=Relu(x)'],
);

test('integer weights are dequantised per channel', (t) => {
  const weight = tensorFromInt8s('w', [2, 2], Int8Array.of(1, 2, 3, 4));
  const dequantise = makeNode('DequantizeLinear', {
    inputs: ['w', 'scales', 'zeros'],
    outputs: ['floats'],
    attributes: { axis: { int: 1 } },
  });
  const tensors = [weight, float('scales', 0.5, 10), int8('zeros', 0, 1)];
  const { model } = peelQat(small({ nodes: [dequantise, node('MatMul', ['x', 'floats'], 'y')], tensors }));
  const found = graphOf(model).initializer.find(({ name }) => name === 'floats')!;
  t.deepEqual([...floatsOf(found)], [0.5, 10, 1.5, 30]);
});

const refuses = test.macro({
  title: (title) => `refused: ${title}`,
  exec: (t, parts: Parts, says: RegExp) => {
    const error = t.throws(() => computeTrainedRanges(peelQat(small(parts)).pairs), {
      instanceOf: UserError,
    });
    t.is(error.reason, 'ModelUnsupported');
    t.regex(error.message, says);
  },
});

test(
  'two consecutive pairs',
  refuses,
  { nodes: [...pair('x', 'a', 's'), ...pair('a', 'b', 't'), node('Relu', ['b'], 'y')] },
  /tensor x: it is quantised twice in a row.*⟨forcePtq⟩/,
);
test(
  'levels around another zero',
  refuses,
  { nodes: [...pair('x', 'a', 's', 'off'), node('Relu', ['a'], 'y')], tensors: [int8('off', 3)] },
  /tensor x: it is quantised to int8 around 3/,
);
test(
  'an activation with one scale per channel',
  refuses,
  { nodes: [...pair('x', 'a', 'two'), node('Relu', ['a'], 'y')], tensors: [float('two', 1, 2)] },
  /tensor x: it has 2 scales/,
);
test(
  'a scale of zero',
  refuses,
  { nodes: [...pair('x', 'a', 'none'), node('Relu', ['a'], 'y')], tensors: [float('none', 0)] },
  /tensor x: its scale is 0/,
);
test(
  'a scale that the graph computes',
  refuses,
  { nodes: [node('ReduceMax', ['x'], 'm'), ...pair('x', 'a', 'm'), node('Relu', ['a'], 'y')] },
  /tensor x: its scale is computed/,
);
test(
  'integer arithmetic',
  refuses,
  { nodes: [pair('x', 'a', 's')[0]!, node('Relu', ['a/q'], 'y')] },
  /its node y \(Relu\) computes with integers/,
);
test(
  'integers that the graph computes',
  refuses,
  { nodes: [node('Cast', ['x'], 'i'), makeNode('DequantizeLinear', { inputs: ['i', 's'], outputs: ['y'] })] },
  /reads integers that the graph computes/,
);

test('unusable scales that are discarded do not prevent the conversion', (t) => {
  const cascade = small({
    nodes: [...pair('x', 'a', 's'), ...pair('a', 'b', 't'), node('Relu', ['b'], 'y')],
  });
  t.false(isQat(peelQat(cascade).model));
});

test('a pair that writes what it reads is refused', (t) => {
  const model = small({ nodes: [...pair('x', 'x', 's'), node('Relu', ['x'], 'y')] });
  const error = t.throws(() => peelQat(model), { instanceOf: UserError });
  t.is(error.reason, 'ModelInvalid');
  t.regex(error.message, /its tensor x is computed from itself/);
});

test('a damaged graph is converted or refused, without a crash', async (t) => {
  const bytes = serializeModel(small({ nodes: [...pair('x', 'a', 's'), node('Relu', ['a'], 'y')] }));
  const damage = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255), cut: fc.nat(20) });
  fc.assert(
    fc.property(damage, ({ at, to, cut }) => {
      const damaged = Uint8Array.from(bytes).subarray(0, bytes.length - (cut > 15 ? cut : 0));
      damaged[Math.min(at, damaged.length - 1)] = to;
      try {
        computeTrainedRanges(peelQat(parseModel(damaged)).pairs);
        return true;
      } catch (thrown) {
        return thrown instanceof UserError;
      }
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
