import test from 'ava';
import { tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { readIntegerTypes } from '../../src/graph/builders/processor-integers.ts';
import { exactIntegers, type IntegerTypes } from '../../src/graph/precision/fused/fused-qdq.ts';
import { scaleChannels } from '../../src/graph/precision/fused/weight-scales.ts';
import { decibels } from '../builders/exports.ts';
import { built, run, scalesOf } from '../builders/fused-engines.ts';
import { channels, classifierWith, output } from '../builders/networks.ts';

const stepsOf = (
  dims: readonly number[],
  axis: number,
  { values, pairsIn16Bits }: { readonly values: readonly number[]; readonly pairsIn16Bits: boolean },
): number[] => {
  const weight = tensorFromFloats('w', dims, Float32Array.from(values));
  return [...scaleChannels(weight, { axis, pairsIn16Bits })].map((scale) => Math.round(scale * 127));
};

test('a processor that adds two products in 16 bits has steps for the sum of two weights', (t) => {
  // One output, three channels of two places. By place, then channel: 1 3 5 | 2 4 -60, so the pairs are 1+3, 5+2 and 4-60.
  const values = [1, 2, 3, 4, 5, -60];
  t.deepEqual(stepsOf([1, 3, 1, 2], 0, { values, pairsIn16Bits: true }), [60]);
  t.deepEqual(stepsOf([1, 3, 1, 2], 0, { values: values.map(Math.abs), pairsIn16Bits: true }), [64]);
  t.deepEqual(stepsOf([1, 3, 1, 2], 0, { values: values.map(Math.abs), pairsIn16Bits: false }), [60]);
  // Two outputs of three inputs: 10+30 and -50; 20-40 and 60.
  const product = [10, 20, 30, -40, -50, 60];
  t.deepEqual(stepsOf([3, 2], 1, { values: product, pairsIn16Bits: true }), [50, 60]);
});

test('sums of the largest products do not overflow on the processor that runs this', async (t) => {
  let from = '';
  const model = classifierWith((network, stem) => {
    from = stem;
    const even = network.floats([channels, channels, 3, 3], new Array(channels ** 2 * 9).fill(0.01));
    return network.node('Relu', [network.conv(stem, even)]);
  });
  const scales = await scalesOf(model);
  // Below most values, so that their integers are at the limit.
  scales.set(from, scales.get(from)! / 16);
  const answersOf = async (types: IntegerTypes) => {
    const { path, counts } = await built(model, { scales, types });
    t.is(counts.QLinearConv, 2);
    return (await run(path))[output]!.data;
  };
  const found = decibels(await answersOf(exactIntegers), await answersOf(readIntegerTypes()));
  t.true(found > 30, `${found} dB`);
});
