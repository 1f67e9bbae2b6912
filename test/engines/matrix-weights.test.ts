/** Matrix products whose weight has more than two dimensions, in int8. */
import test from 'ava';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { Network } from '../builders/networks.ts';

/** Columns of very different sizes, so that one scale for all of them would lose the small ones. */
const sizes = [100, 10, 1, 0.1, 0.01];

/** Pools to rows of 16 values, reshaped to `rows`, times a weight of these dimensions. */
const product = (rows: readonly number[], dims: readonly number[], columns = sizes): ModelProto => {
  const network = new Network();
  const pooled = network.node('GlobalAveragePool', [network.stem()]);
  const shaped = network.node('Reshape', [pooled, network.integers(...rows)], {}, ['rows']);
  const count = dims.reduce((a, b) => a * b, 1);
  const weight = network.floats(
    dims,
    Array.from({ length: count }, (_, i) => network.normal() * columns[i % 5]!),
  );
  const even = network.floats(
    [5],
    columns.map((size) => 1 / size),
  );
  const scaled = network.node('Mul', [network.node('MatMul', [shaped, weight], {}, ['product']), even]);
  const flat = network.node('Flatten', [scaled]);
  network.node('Softmax', [flat], { axis: { int: 1 } }, ['predictions/Softmax']);
  return network.model();
};

const image = Float32Array.from({ length: 768 }, (_, i) => Math.sin(i * 1.3) * 60);

const outputOf = async (model: ModelProto): Promise<Float32Array> => {
  const session = await openSession(serializeModel(model));
  const { 'predictions/Softmax': output } = await session.run({
    input_1: { data: image, dims: [1, 3, 16, 16] },
  });
  await session.release();
  return output!.data;
};

const int8 = (model: ModelProto): ModelProto => quantiseModel(model, new Map([['rows', 0.07]]));

const distance = (a: Float32Array, b: Float32Array): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

test('a weight [1,in,out] has one scale per column, like [in,out]', async (t) => {
  const matrix = await outputOf(int8(product([0, 16], [16, 5])));
  for (const [rows, dims] of [
    [
      [0, 1, 16],
      [1, 16, 5],
    ],
    [
      [0, 1, 1, 16],
      [1, 1, 16, 5],
    ],
  ] as const) {
    const stacked = int8(product(rows, dims));
    t.true(
      graphOf(stacked).node.some(({ opType, input }) => opType === 'MatMul' && /dequantized/.test(input[1]!)),
    );
    t.is(distance(await outputOf(stacked), matrix), 0);
  }
});

test('a stack of matrices, and a weight of higher rank than its input, have one scale and run', async (t) => {
  for (const [rows, dims] of [
    [
      [0, 1, 16],
      [1, 16, 5],
    ],
    [
      [1, 2, 1, 8],
      [2, 8, 5],
    ],
    [
      [0, 16],
      [1, 16, 5],
    ],
  ] as const) {
    const float = product(rows, dims, [1, 1, 1, 1, 1]);
    const apart = distance(await outputOf(int8(float)), await outputOf(float));
    t.true(apart < 0.1, `[${dims}]: ${apart}`);
  }
});
