/**
 * Q/DQ graphs of all seven modules against TensorRT's implicit int8 scheme, simulated in fp32, and against the pairs of NVIDIA's Model
 * Optimizer 0.47.0. Both graphs run as they are: optimising, ONNX Runtime rounds the biases of int8 convolutions, which
 * TensorRT does not, and values at a border of two levels then move by a level, up to 2 % of an output of ssd.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeUntypedValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { type FloatTensor, openSession } from '../../src/graph/inference/session.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { type Architecture, architectureNames } from '../../src/ground/contract/architectures.ts';
import { listIntegerReads, simulateImplicit } from '../builders/implicit-scheme.ts';
import { endsOf, openSubject, type Subject } from '../builders/subjects.ts';

type Outputs = Readonly<Record<string, FloatTensor>>;

/** The tensors of these names, by default the outputs of the network. */
const runOn = async (
  { input, image }: Subject,
  model: ModelProto,
  names = endsOf(model),
): Promise<Outputs> => {
  const output = names.filter((name) => name !== input).map(makeUntypedValueInfo);
  const asked = copyWith(model, { graph: copyWith(graphOf(model), { output }) });
  const session = await openSession(serializeModel(asked), { optimisation: 'disabled' });
  const outputs = await session.run({ [input]: { data: image.data, dims: image.dims } });
  await session.release();
  return outputs;
};

const findLargest = (values: Iterable<number>): number => {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
};

/** The largest difference of any output, as a fraction of the largest value of that output. */
const differenceOf = (one: Outputs, other: Outputs): number =>
  Math.max(
    ...Object.entries(one).map(([name, { data }]) => {
      const difference = data.map((value, i) => value - other[name]!.data[i]!);
      return findLargest(difference) / findLargest(data);
    }),
  );

/** Largest absolute value / 127. */
const measureScales = async (
  subject: Subject,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> => {
  const { image, input, model } = subject;
  const tensors = await runOn(subject, model, names);
  const values = (name: string) => (name === input ? image.data : tensors[name]!.data);
  return new Map(names.map((name) => [name, Math.fround(findLargest(values(name)) / 127)]));
};

const ofModelOptimizer: Readonly<Record<Architecture, readonly string[]>> = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/tensorrt/modelopt-pairs.json'), 'utf8'),
);

/** What feeds matrix products, which Model Optimizer leaves in float where they multiply single vectors. */
const vectors: readonly string[] = [
  'reshape2_0.tmp_0',
  'crop_and_resize_1/Reshape_1:0',
  'time_distributed_flatten/Reshape_1',
];

const agrees = test.macro<[Architecture]>({
  title: (_, module) =>
    `${module} with Q/DQ nodes computes as the implicit scheme does, with no pair too many`,
  exec: async (t, module) => {
    const subject = await openSubject(module);
    const names = listIntegerReads(graphOf(subject.model));
    const scales = await measureScales(subject, names);
    const quantised = quantiseModel(subject.model, scales);
    const paired = graphOf(quantised).node.filter(({ opType }) => opType === 'QuantizeLinear');
    t.deepEqual(paired.map(({ input }) => input[0]!).sort(), [...names].sort(), 'one pair for each tensor');
    const simulated = await runOn(subject, simulateImplicit(subject.model, scales));
    const difference = differenceOf(simulated, await runOn(subject, quantised));
    const cost = differenceOf(simulated, await runOn(subject, subject.model));
    t.true(difference < 1e-2, String(difference));
    t.true(cost > 1e-2 && cost > 4 * difference, `int8 changes the outputs: ${cost}`);
    const theirs = new Set([...ofModelOptimizer[module], ...vectors]);
    t.deepEqual(
      names.filter((name) => !theirs.has(name)),
      [],
    );
    t.log(`${names.length} pairs, Model Optimizer ${ofModelOptimizer[module].length}`);
  },
});

for (const module of architectureNames) test(agrees, module);
