import test from 'ava';
import { allNodes, graphOf } from '../../src/formats/onnx/graph.ts';
import { aLayer, aNetwork, anInput, arraysIn, imported, kerasPath, writeKeras } from './fixtures.ts';

const path = kerasPath('detectnet_v2_qat');

test('a range for each tensor, value for value, and none for what has none', async (t) => {
  const arrays = await arraysIn(path);
  const factor = (layer: string) => arrays.get(`${layer}/scaling_factor:0`)!.data[0]!;
  const { ranges } = await imported(path);
  const expected: Record<string, number> = { input_1: factor('input_1_qdq') };
  for (const i of [0, 1, 2]) {
    expected[`block_${i}_relu_1/Relu`] = factor(`block_${i}_relu_1_qdq`);
    expected[`bn_${3 * i + 2}/batchnorm/add_1`] = factor(`block_${i}_bn_2_qdq`);
    expected[`bn_${3 * i + 3}/batchnorm/add_1`] = factor(`block_${i}_bn_s_qdq`);
    expected[`add_${i}/add`] = factor(`add_${i}_qdq`);
    if (i < 2) expected[`block_${i}_relu/Relu`] = factor(`block_${i}_relu_qdq`);
  }
  // No QDQ stands behind the last block: its two readers hold a range each, and the larger one counts.
  expected['block_2_relu/Relu'] = Math.max(factor('output_bbox'), factor('output_cov'));
  t.deepEqual(Object.fromEntries([...ranges].sort()), Object.fromEntries(Object.entries(expected).sort()));
});

test('the graph is left without any trace of them', async (t) => {
  const { model } = await imported(path);
  const operators = new Set(allNodes(model).map(({ opType }) => opType));
  t.deepEqual([...operators].sort(), ['Add', 'BatchNormalization', 'Conv', 'Relu', 'Sigmoid']);
});

test('a model without such layers has no ranges', async (t) => {
  t.is((await imported(kerasPath('detectnet_v2'))).ranges.size, 0);
});

const factor = { scaling_factor: [] };

test('two QDQ in a row spoil the ranges, and not the float model', async (t) => {
  const network = aNetwork(
    anInput(),
    aLayer('QDQ', 'a', { from: ['input_1'] }),
    aLayer('QDQ', 'b', { from: ['a'] }),
  );
  const made = await writeKeras({ network, weights: { a: factor, b: factor } });
  const { rangeFault, model } = await imported(made);
  t.regex(rangeFault!.message, /layer b \(QDQ\).*two in a row.*--force_ptq/);
  t.is(graphOf(model).output.length, 1);
});
