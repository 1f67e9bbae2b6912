/** What the int8 graph for ONNX Runtime gains by other forms of the same function, in the optimised graph. */
import test from 'ava';
import { graphOf } from '../../src/formats/onnx/graph.ts';
import { quantiseFused } from '../../src/graph/precision/fused/fused-qdq.ts';
import { built, run, scalesOf, vnni } from '../builders/fused-engines.ts';
import { channels, classifierWith, input, Network, output, side } from '../builders/networks.ts';

const padded = { pads: { ints: [1, 1, 1, 1] } };
const pooling = { kernel_shape: { ints: [2, 2] }, strides: { ints: [2, 2] } };

test('a narrow convolution in front of a pool of integers computes with integers, so that the pool does not reorder', async (t) => {
  const network = new Network();
  const narrow = network.node('Relu', [network.conv(input, network.weight([channels, 3, 3, 3], 0.02))]);
  const pooled = network.node('MaxPool', [narrow], pooling);
  const wide = network.node('Conv', [pooled, network.weight([channels, channels, 3, 3])], padded);
  network.classes(network.node('Flatten', [wide]), (channels * side * side) / 4);
  const { counts } = await built(network.model());
  t.is(counts.QLinearConv, 2);
  t.is(counts.NhwcMaxPool, 1);
  t.is(counts.MaxPool, undefined);
});

test('layers that read one weight share its integers', async (t) => {
  const model = classifierWith((network, from) => {
    const weight = network.weight([channels, channels, 3, 3]);
    const first = network.node('Conv', [from, weight], padded);
    return network.node('Conv', [first, weight], padded);
  });
  t.is((await built(model)).counts.QLinearConv, 3, 'with one of the stem');
  const graph = graphOf(quantiseFused(model, { scales: await scalesOf(model), types: vnni }));
  const integers = graph.initializer.filter(({ dims }) => dims.length === 4 && dims[1] === BigInt(channels));
  t.is(integers.length, 2, 'with those of the stem');
});

for (const [slope, operators] of [
  [[0.25, -0.5, 1], { PRelu: undefined, Max: 1 }],
  [[0.25, -0.5, 1.5], { PRelu: 1, Max: undefined }],
] as const)
  test(`a PRelu with slopes ${slope.join()} is ${operators.Max ? 'the larger of two products' : 'kept'}, equal in each bit`, async (t) => {
    const model = classifierWith((network, from) => {
      const slopes = network.floats(
        [channels, 1, 1],
        Array.from({ length: channels }, (_, c) => slope[c % slope.length]!),
      );
      return network.node('PRelu', [from, slopes]);
    });
    const quantised = quantiseFused(model, { scales: new Map(), types: vnni });
    const types = graphOf(quantised).node.map(({ opType }) => opType);
    t.is(types.filter((type) => type === 'PRelu').length, operators.PRelu ?? 0);
    t.is(types.filter((type) => type === 'Max').length, operators.Max ?? 0);
    t.deepEqual((await run(quantised))[output], (await run(model))[output]);
  });
