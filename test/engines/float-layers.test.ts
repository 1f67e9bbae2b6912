/** Layers kept in float: how they are selected, and what they lose in the cache and in the Q/DQ graph. */
import test from 'ava';
import { graphOf, inputsOf } from '../../src/formats/onnx/graph.ts';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { findFloatLayers, removeFloatScales } from '../../src/graph/precision/float-layers.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { modelFile } from '../models/models.ts';

const detector = await readModelFile(modelFile('detectnet_v2'));
const graph = graphOf(detector);
const scales = new Map(
  [...inputsOf(graph).map(({ name }) => name), ...graph.node.flatMap(({ output }) => output)].map((name) => [
    name,
    0.1,
  ]),
);

/** Names of the convolutions that compute in int8. */
const int8Layers = (keepFloat: readonly string[]): readonly string[] =>
  graphOf(quantiseModel(detector, removeFloatScales(detector, scales, keepFloat)))
    .node.filter(({ opType, input }) => opType === 'Conv' && input[0]!.endsWith('/dequantized'))
    .map(({ name }) => name);

test('a layer is selected by its node, by an output, or by a pattern', (t) => {
  const all = int8Layers([]);
  t.true(all.includes('block0/b'));
  t.deepEqual(
    int8Layers(['block0/b']),
    all.filter((name) => name !== 'block0/b'),
  );
  t.deepEqual(findFloatLayers(detector, ['*/b', 'output_cov/Sigmoid']).names, [
    'block0/b',
    'block1/b',
    'block2/b',
    'output_cov/Sigmoid',
  ]);
  t.deepEqual(
    int8Layers(['block0/*']).filter((name) => name.startsWith('block0/')),
    [],
  );
});

test('other readers of the same tensor stay float too, as in TensorRT', (t) => {
  const { names, tensors } = findFloatLayers(detector, ['block0/short']);
  t.deepEqual([...names], ['block0/short']);
  t.deepEqual([...tensors], ['conv1/Relu']);
  t.false(int8Layers(['block0/short']).includes('block0/a'));
});

test('the graph input selects the layers that read it', (t) => {
  t.deepEqual([...findFloatLayers(detector, ['input_1']).tensors], ['input_1']);
});

test('a name without a match is refused with the nearest one; leaving no int8 layer is refused', (t) => {
  const notFound = (says: RegExp) => ({ instanceOf: UserError, message: says });
  t.throws(
    () => findFloatLayers(detector, ['block0/a', 'blok0/b']),
    notFound(/'blok0\/b'.*nearest is 'block0\/b'/),
  );
  t.throws(() => removeFloatScales(detector, scales, ['*']), notFound(/leaves no layer for int8/));
  t.is(removeFloatScales(detector, scales, []), scales);
});
