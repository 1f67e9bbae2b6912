/**
 * Tensors that branches and bodies read count as read: networks with If and Loop are calibrated, quantised and built
 * completely.
 */
import test from 'ava';
import { foldConstants, graphOf, graphsOf } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { readsOf } from '../../src/formats/onnx/reads.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { buildCalibrationGraph, int8Activations } from '../../src/graph/precision/calibration-graph.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { foldBatchNorms } from '../../src/graph/transforms/fold-batchnorm.ts';
import { pruneGraph } from '../../src/graph/transforms/prune.ts';
import { raiseOpset } from '../../src/graph/transforms/raise-opset.ts';
import { bodyOf, channels, classifierWith, Network, side } from '../builders/networks.ts';

/** `Squeeze` as exporters write it for a free shape: If(Shape(x)[3] == 1), whose branches read x. */
const squeezedByIf = () => {
  const network = new Network();
  const pooled = network.node('GlobalAveragePool', [network.stem()]);
  const size = network.node('Gather', [network.node('Shape', [pooled]), network.integers(3)]);
  const isOne = network.node('Equal', [size, network.integers(1)]);
  const then = bodyOf('then', [], (body) => [body.node('Squeeze', [pooled, body.integers(2, 3)])]);
  const otherwise = bodyOf('else', [], (body) => [body.node('Flatten', [pooled])]);
  const flat = network.node('If', [network.node('Squeeze', [isOne, network.integers(0)])], {
    then_branch: { graph: then },
    else_branch: { graph: otherwise },
  });
  const shown = network.node('Reshape', [flat, network.integers(-1, channels)]);
  network.classes(network.node('Relu', [network.node('MatMul', [shown, network.weight([16, 32])])]), 32);
  return network.model();
};

/** A branch multiplies by a constant of the graph around it, which nothing else reads. */
const gainInBranch = () =>
  classifierWith((network, from) => {
    const gain = network.scalar(0.5);
    const height = network.node('Gather', [network.node('Shape', [from]), network.integers(2)]);
    const isLarge = network.node('Greater', [height, network.integers(4)]);
    const then = bodyOf('then', [], (body) => [body.node('Mul', [from, gain])]);
    const otherwise = bodyOf('else', [], (body) => [body.node('Identity', [from])]);
    return network.node('If', [network.node('Squeeze', [isLarge, network.integers(0)])], {
      then_branch: { graph: then },
      else_branch: { graph: otherwise },
    });
  });

test('a node reads the outer tensors of its bodies, not what they compute', (t) => {
  const [branch] = graphOf(gainInBranch()).node.filter(({ opType }) => opType === 'If');
  const read = readsOf(branch!);
  t.is(read.filter((name) => name.startsWith('c_')).length, 1, 'the gain');
  t.is(read.filter((name) => name.startsWith('Relu_')).length, 2, 'the tensor, by both branches');
  t.false(read.some((name) => name.startsWith('then/') || name.startsWith('else/')));
  t.deepEqual(readsOf(makeNode('Clip', { inputs: ['x', '', 'high'], outputs: ['y'] })), ['x', 'high']);
});

test('a tensor computed by an If on a shape is calibrated, because its branches read the image', (t) => {
  const { tensors } = buildCalibrationGraph(squeezedByIf());
  const following = tensors.slice(tensors.findIndex((name) => name.startsWith('If_')));
  t.is(following.length, 6, following.join());
  t.is(int8Activations(squeezedByIf()).length, 4, 'two convolutions, two products');
});

test('a constant that only a branch reads stays in the Q/DQ graph, which runs', async (t) => {
  const source = gainInBranch();
  const scales = new Map(int8Activations(source).map((name) => [name, 0.05]));
  const session = await openSession(serializeModel(quantiseModel(source, scales)));
  const data = new Float32Array(3 * side * side).fill(1);
  const { 'predictions/Softmax': probabilities } = await session.run({
    input_1: { data, dims: [1, 3, side, side] },
  });
  await session.release();
  t.true(Math.abs(probabilities!.data.reduce((a, b) => a + b, 0) - 1) < 1e-3);
});

test('a tensor that a branch reads counts as read: its batch norm is not folded, and nothing is pruned', (t) => {
  const withNorm = classifierWith((network, from) => {
    const convolved = network.conv(from);
    const ones = network.floats([channels], Array(channels).fill(1));
    const normed = network.node('BatchNormalization', [convolved, ones, ones, ones, ones]);
    const branch = (name: string) => bodyOf(name, [], (body) => [body.node('Add', [convolved, normed])]);
    const isTrue = network.node('Equal', [network.integers(1), network.integers(1)]);
    return network.node('If', [network.node('Squeeze', [isTrue])], {
      then_branch: { graph: branch('then') },
      else_branch: { graph: branch('else') },
    });
  });
  const graph = foldConstants(graphOf(withNorm));
  const folded = foldBatchNorms(graph);
  t.true(folded.node.some(({ opType }) => opType === 'BatchNormalization'));
  t.is(pruneGraph(graph).node.length, graph.node.length);
});

test('a batch norm in training mode is not folded into its convolution', (t) => {
  const normed = (opset: number, attributes: Record<string, { int: number }>, outputs: number) =>
    classifierWith(
      (network, from) => {
        const ones = network.floats([channels], Array(channels).fill(1));
        const names = ['bn', 'mean', 'var', 'savedMean', 'savedVar'].slice(0, outputs);
        network.node('BatchNormalization', [network.conv(from), ones, ones, ones, ones], attributes, names);
        return 'bn';
      },
      { opset },
    );
  const isFolded = (model: ReturnType<typeof normed>) =>
    !foldBatchNorms(graphOf(model)).node.some(({ opType }) => opType === 'BatchNormalization');
  t.true(isFolded(normed(15, {}, 1)), 'by the statistics of the graph');
  t.false(isFolded(normed(15, { training_mode: { int: 1 } }, 3)));
  t.false(isFolded(normed(15, { training_mode: { int: 1 } }, 1)));
  t.false(isFolded(normed(13, {}, 5)), 'before opset 14 further outputs mean training');
});

test('a weight that many nodes read along one axis is quantised once', (t) => {
  const model = classifierWith((network, from) => {
    const weight = network.weight([channels, channels, 3, 3]);
    return [...Array(20)].reduce<string>(
      (tensor) => network.node('Relu', [network.conv(tensor, weight)]),
      from,
    );
  });
  const scales = new Map(int8Activations(model).map((name) => [name, 0.05]));
  const shared = graphOf(quantiseModel(model, scales));
  t.is(shared.initializer.filter(({ name }) => /^w_\d+\/axis0\/int8$/.test(name)).length, 2);
  t.is(shared.node.filter(({ name }) => /^w_\d+\/axis0\/DQ$/.test(name)).length, 2);
  const before = performance.now();
  for (let i = 0; i < 5; i++) quantiseModel(model, scales);
  t.log(`five Q/DQ graphs in ${(performance.now() - before).toFixed(0)} ms`);
});

test('the opset is also raised in bodies, which see outer constants', (t) => {
  const model = classifierWith(
    (network, from) => {
      const scales = network.floats([4], [1, 1, 2, 2]);
      const branch = (name: string) =>
        bodyOf(name, [], (body) => [body.node('Resize', [from, scales], { mode: { string: 'nearest' } })]);
      const isTrue = network.node('Equal', [network.integers(1), network.integers(1)]);
      return network.node('If', [network.node('Squeeze', [isTrue])], {
        then_branch: { graph: branch('then') },
        else_branch: { graph: branch('else') },
      });
    },
    { opset: 10 },
  );
  const resized = [...graphsOf(graphOf(raiseOpset(model)))]
    .flatMap(({ node }) => node)
    .filter(({ opType }) => opType === 'Resize');
  t.deepEqual(
    resized.map(({ input }) => input.length),
    [3, 3],
  );
});
