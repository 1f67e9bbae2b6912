/** When two graphs count as equal if their outputs end in a Sigmoid. */
import test from 'ava';
import { compareGraphs } from '../../src/export/pipeline/graph-difference.ts';
import { probeBatch } from '../../src/export/pipeline/probes.ts';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { prepareForQdq } from '../../src/graph/precision/qdq.ts';
import { channels, input, Network, side } from '../builders/networks.ts';

/** A map of probabilities after a batch norm, all of its arguments around `level`, as in a text detector. */
const map = (level: number, isRectified = true): ModelProto => {
  const built = new Network();
  const stem = built.stem();
  const channel = (value: number, spread = 0) =>
    built.floats(
      [channels],
      Array.from({ length: channels }, () => value + spread * built.normal()),
    );
  const statistics = [channel(1, 0.1), channel(0, 0.1), channel(0, 0.1), channel(0.7, 0.05)];
  const norm = built.node('BatchNormalization', [built.conv(stem), ...statistics]);
  const activated = isRectified ? built.node('Relu', [norm]) : norm;
  const plane = built.node('Conv', [activated, built.weight([1, channels, 1, 1], 0.1)]);
  const logits = built.node('Add', [plane, built.scalar(level)]);
  built.node('Identity', [built.node('Sigmoid', [logits])], {}, ['map']);
  return makeModel({
    name: 'map',
    inputs: [makeValueInfo(input, elementType.float32, ['N', 3, side, side])],
    outputs: [makeValueInfo('map', elementType.float32, ['N', 1, side, side])],
    nodes: built.nodes,
    initializers: built.tensors,
    opset: 13,
  });
};

const preprocessing = { order: 'RGB', mean: [127.5, 127.5, 127.5], scale: 1 / 127.5 } as const;
const batches = [probeBatch({ channels: 3, height: side, width: side, preprocessing }, 4)];
const difference = (reference: ModelProto, other: ModelProto) =>
  compareGraphs({ reference, other, input }, batches);

for (const level of [0, -8, -14, -17, -40])
  test(`a folded batch norm is the same where a Sigmoid reads ${level}`, async (t) => {
    const model = map(level);
    const prepared = prepareForQdq(model);
    t.false(graphOf(prepared).node.some(({ opType }) => opType === 'BatchNormalization'));
    t.deepEqual(await difference(model, prepared), { kind: 'Same' });
  });

for (const level of [0, -14, -40])
  test(`a lost Relu differs where a Sigmoid reads ${level}`, async (t) => {
    const found = await difference(map(level), map(level, false));
    t.is(found.kind, 'Differs');
  });

test('an output that is a Sigmoid in only one graph is compared by its values', async (t) => {
  const model = map(-14);
  const graph = graphOf(model);
  const node = graph.node.map((each) =>
    each.opType === 'Sigmoid' ? copyWith(each, { opType: 'HardSigmoid' }) : each,
  );
  t.is((await difference(model, copyWith(model, { graph: copyWith(graph, { node }) }))).kind, 'Differs');
});
