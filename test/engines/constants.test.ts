/** Weights that a graph computes from constants are folded, whichever operators compute them, within limits. */
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { floatsOf, tensorFromFloat16s, tensorFromFloats } from '../../src/formats/onnx/tensor.ts';
import { foldComputedConstants } from '../../src/graph/inference/constants.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { int8Activations } from '../../src/graph/precision/calibration-graph.ts';
import { listInt8Layers } from '../../src/graph/precision/int8-layers.ts';
import { channels, classifierWith, input, Network, output, side } from '../builders/networks.ts';

const kernel = [channels, channels, 3, 3];
const elements = kernel.reduce((a, b) => a * b, 1);

/** Ways in which exporters compute a weight from constants. */
const ways: Readonly<Record<string, (network: Network) => string>> = {
  Identity: (n) => n.node('Identity', [n.weight(kernel)]),
  'Cast of float16': (n) => {
    const values = Float32Array.from({ length: elements }, () => n.normal() / 12);
    return n.node('Cast', [n.tensor(tensorFromFloat16s(n.name('h'), kernel, values))], {
      to: { int: elementType.float32 },
    });
  },
  'Mul of a Cast of int8': (n) => {
    const levels = n.bytes(
      kernel,
      Array.from({ length: elements }, (_, i) => (i * 37) % 255),
    );
    const floats = n.node('Cast', [levels], { to: { int: elementType.float32 } });
    return n.node('Mul', [floats, n.scalar(0.001)]);
  },
  Transpose: (n) =>
    n.node('Transpose', [n.weight([3, 3, channels, channels])], { perm: { ints: [3, 2, 0, 1] } }),
  Reshape: (n) => n.node('Reshape', [n.weight([channels, channels * 9]), n.integers(...kernel)]),
  ConstantOfShape: (n) =>
    n.node('ConstantOfShape', [n.integers(...kernel)], {
      value: { tensor: tensorFromFloats('', [1], Float32Array.of(0.01)) },
    }),
  DequantizeLinear: (n) => {
    const levels = n.bytes(
      kernel,
      Array.from({ length: elements }, (_, i) => (i * 37) % 255),
    );
    return n.node('DequantizeLinear', [levels, n.scalar(0.001)]);
  },
  'Unsqueeze of a Slice of a Concat': (n) => {
    const both = n.node('Concat', [n.weight([channels, channels, 9]), n.weight([channels, channels, 9])], {
      axis: { int: 0 },
    });
    const half = n.node('Slice', [both, n.integers(0), n.integers(channels)]);
    return n.node('Reshape', [n.node('Unsqueeze', [half, n.integers(3)]), n.integers(...kernel)]);
  },
};

const outputsOf = async (model: ModelProto): Promise<Float32Array> => {
  const session = await openSession(serializeModel(model));
  const data = Float32Array.from({ length: 3 * side * side }, (_, i) => ((i * 7919) % 256) - 110);
  const found = await session.run({ [input]: { data, dims: [1, 3, side, side] } });
  await session.release();
  return found[output]!.data;
};

for (const [way, weight] of Object.entries(ways))
  test(`a weight computed by ${way} is folded: its convolution runs in int8`, async (t) => {
    const model = classifierWith((network, from) => network.conv(from, weight(network)));
    const folded = await foldComputedConstants(model);
    const scales = new Map(int8Activations(model).map((name) => [name, 0.05]));
    const layersOf = (each: ModelProto) => listInt8Layers(each, scales).flatMap(({ layers }) => layers);
    t.is(layersOf(folded).filter((name) => name.startsWith('Conv')).length, 2);
    const [left, right] = [await outputsOf(folded), await outputsOf(model)];
    t.true(
      left.every((value, i) => Math.abs(value - right[i]!) < 1e-5),
      `${left} and ${right}`,
    );
    t.true(graphOf(folded).node.length < graphOf(model).node.length);
  });

test('a model without constant nodes is returned unchanged', async (t) => {
  const model = classifierWith((_, from) => from);
  t.is(await foldComputedConstants(model), model);
});

test('unsupported, random and oversized constant nodes are not folded', async (t) => {
  const network = new Network();
  const from = network.stem();
  network.nodes.push(
    makeNode('Unknown', { inputs: [network.scalar(1)], outputs: ['unknown'], domain: 'nobody' }),
  );
  const huge = network.node('ConstantOfShape', [network.integers(1 << 15, 1 << 15)]);
  const noise = network.node('RandomNormalLike', [network.scalar(1)]);
  const known = network.node('Neg', [network.scalar(1)]);
  network.head(network.node('Sum', [from, 'unknown', huge, noise, known]));
  const { node, initializer } = graphOf(await foldComputedConstants(network.model()));
  const left = node.map(({ opType }) => opType);
  t.true(['Unknown', 'ConstantOfShape', 'RandomNormalLike'].every((opType) => left.includes(opType)));
  t.false(left.includes('Neg'));
  t.is(floatsOf(initializer.find(({ name }) => name === known)!)[0], -1);
});
