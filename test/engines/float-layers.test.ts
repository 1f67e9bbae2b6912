/** Layers that stay float: who is meant, and what they lose in the cache and in the Q/DQ graph. */
import test from 'ava';
import { graphOf, inputsOf } from '../../src/formats/onnx/graph.ts';
import { readModelFile } from '../../src/formats/onnx/model.ts';
import { floatLayers, withoutFloat } from '../../src/graph/precision/float-layers.ts';
import { quantisedModel } from '../../src/graph/precision/qdq.ts';
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
  graphOf(quantisedModel(detector, withoutFloat(detector, scales, keepFloat)))
    .node.filter(({ opType, input }) => opType === 'Conv' && input[0]!.endsWith('/dequantized'))
    .map(({ name }) => name);

test('a layer is named by its node, by a tensor that it writes, or by a pattern', (t) => {
  const all = int8Layers([]);
  t.true(all.includes('block0/b'));
  t.deepEqual(
    int8Layers(['block0/b']),
    all.filter((name) => name !== 'block0/b'),
  );
  t.deepEqual(floatLayers(detector, ['*/b', 'output_cov/Sigmoid']).names, [
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

test('what else reads the same tensor stays float as well, as TensorRT does it', (t) => {
  const { names, tensors } = floatLayers(detector, ['block0/short']);
  t.deepEqual([...names], ['block0/short']);
  t.deepEqual([...tensors], ['conv1/Relu']);
  t.false(int8Layers(['block0/short']).includes('block0/a'));
});

test('the graph input stands for the layers that read it', (t) => {
  t.deepEqual([...floatLayers(detector, ['input_1']).tensors], ['input_1']);
});

test('a name that fits nothing is refused with the nearest one, and so is leaving nothing for int8', (t) => {
  const notFound = (says: RegExp) => ({ instanceOf: UserError, message: says });
  t.throws(
    () => floatLayers(detector, ['block0/a', 'blok0/b']),
    notFound(/'blok0\/b'.*nearest is 'block0\/b'/),
  );
  t.throws(() => withoutFloat(detector, scales, ['*']), notFound(/leaves no layer for int8/));
  t.is(withoutFloat(detector, scales, []), scales);
});
