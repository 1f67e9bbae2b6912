import test from 'ava';
import { allNodes, graphOf } from '../../src/formats/onnx/graph.ts';
import { aLayer, aNetwork, anInput, arraysIn, imported, kerasPath, writeKeras } from './fixtures.ts';

const path = kerasPath('detectnet_v2_qat');

test('each quantised tensor has the range of its layer, and no other tensor has one', async (t) => {
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
  // No QDQ follows the last block: its two readers hold a range each, and the larger one counts.
  expected['block_2_relu/Relu'] = Math.max(factor('output_bbox'), factor('output_cov'));
  t.deepEqual(Object.fromEntries([...ranges].sort()), Object.fromEntries(Object.entries(expected).sort()));
});

test('the graph contains no quantisation layers', async (t) => {
  const { model } = await imported(path);
  const operators = new Set(allNodes(model).map(({ opType }) => opType));
  t.deepEqual([...operators].sort(), ['Add', 'BatchNormalization', 'Conv', 'Relu', 'Sigmoid']);
});

test('a model without quantisation layers has no ranges', async (t) => {
  t.is((await imported(kerasPath('detectnet_v2'))).ranges.size, 0);
});

const factor = { scaling_factor: [] };

test('two QDQ layers in a row invalidate the ranges but not the float model', async (t) => {
  const network = aNetwork(
    anInput(),
    aLayer('QDQ', 'a', { from: ['input_1'] }),
    aLayer('QDQ', 'b', { from: ['a'] }),
  );
  const made = await writeKeras({ network, weights: { a: factor, b: factor } });
  const { rangeFault, model } = await imported(made);
  t.regex(rangeFault!.message, /layer b \(QDQ\).*two in a row.*⟨forcePtq⟩/);
  t.is(graphOf(model).output.length, 1);
});

test('each quantised layer becomes the plain layer, and its input gets the range', async (t) => {
  const network = aNetwork(
    anInput(),
    aLayer('QuantizedDepthwiseConv2D', 'dw', { config: { kernel_size: [3, 3] }, from: ['input_1'] }),
    aLayer('QuantizedConv2DTranspose', 'up', {
      config: { filters: 2, kernel_size: [2, 2], strides: [2, 2] },
      from: ['dw'],
    }),
    aLayer('QuantizedConv2D', 'conv', { config: { filters: 2, kernel_size: [1, 1] }, from: ['up'] }),
    aLayer('Flatten', 'flatten', { from: ['conv'] }),
    aLayer('QuantizedDense', 'fc', { config: { units: 3 }, from: ['flatten'] }),
  );
  const weights = {
    dw: { depthwise_kernel: [3, 3, 3, 1], bias: [3], scaling_factor: 2 },
    up: { kernel: [2, 2, 2, 3], bias: [2], scaling_factor: 3 },
    conv: { kernel: [1, 1, 2, 2], bias: [2], scaling_factor: 4 },
    fc: { kernel: [288, 3], bias: [3], scaling_factor: 5 },
  };
  const { model, ranges } = await imported(await writeKeras({ network, weights }));
  t.deepEqual(Object.fromEntries(ranges), {
    input_1: 2,
    'dw/BiasAdd': 3,
    'up/BiasAdd': 4,
    'flatten/Reshape': 5,
  });
  const operators = graphOf(model).node.map(({ opType }) => opType);
  t.deepEqual(
    operators.filter((each) => /Conv|Gemm/.test(each)),
    ['Conv', 'ConvTranspose', 'Conv', 'Gemm'],
  );
});
