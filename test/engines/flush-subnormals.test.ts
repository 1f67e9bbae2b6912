/** Weights below the smallest normal float32 are zeros in every graph that runs, and in no other way different. */
import test from 'ava';
import type { GraphProto, ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf, graphsOf } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { floatsOf } from '../../src/formats/onnx/tensor.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { toWorkingModel } from '../../src/graph/inference/working-model.ts';
import { serializeReference } from '../../src/graph/precision/precision.ts';
import { prepareForQdq } from '../../src/graph/precision/qdq.ts';
import { flushSubnormals } from '../../src/graph/transforms/flush-subnormals.ts';
import { bodyOf, channels, classifierWith, Network, side } from '../builders/networks.ts';

const leastNormal = 2 ** -126;
const largestSubnormal = 2 ** -126 - 2 ** -149;

/** How many values have the exponent of zero, and are not zero: read from their bits. */
const countSubnormals = (graphs: Iterable<GraphProto>): number =>
  [...graphs]
    .flatMap(({ initializer }) => initializer)
    .map(floatsOf)
    .reduce((sum, values) => {
      const bits = new Uint32Array(Float32Array.from(values).buffer);
      return sum + bits.filter((each) => (each & 0x7f800000) === 0 && (each & 0x7fffff) !== 0).length;
    }, 0);

const subnormalsOf = (model: ModelProto): number => countSubnormals(graphsOf(graphOf(model)));

/** A 1×1 convolution, half of whose outputs training has given up: all their weights are this value. */
const givenUp = (value: number): ModelProto =>
  classifierWith((network, from) => {
    const kept = Array.from({ length: 8 * channels }, () => network.normal() / 4);
    const weight = network.floats([16, channels, 1, 1], [...kept, ...Array(8 * channels).fill(value)]);
    return network.node('Conv', [from, weight]);
  });

test('subnormal weights become zero, and all other values keep their bits', (t) => {
  const network = new Network();
  const kept = [leastNormal, -leastNormal, -0, 1e-30, Number.NaN, Number.POSITIVE_INFINITY];
  network.floats([9], [largestSubnormal, -largestSubnormal, 2 ** -149, ...kept]);
  const [flushed] = flushSubnormals(graphOf(network.model())).initializer;
  t.deepEqual(floatsOf(flushed!), Float32Array.of(0, 0, 0, ...kept));
});

test('a graph without subnormal weights stays the same object, and its file the same bytes', async (t) => {
  const model = givenUp(0);
  t.is(flushSubnormals(graphOf(model)), graphOf(model));
  t.is(await toWorkingModel(model), model);
  const payload = serializeModel(model);
  t.is(serializeReference('Kept', { model, payload }), payload);
});

test('weights in bodies are flushed as well', (t) => {
  const network = new Network();
  const then = bodyOf('then', [], (body) => [body.floats([2], [1e-40, 1])]);
  const otherwise = bodyOf('else', [], (body) => [body.floats([2], [2, -1e-44])]);
  network.node('If', [network.scalar(1)], {
    then_branch: { graph: then },
    else_branch: { graph: otherwise },
  });
  const model = network.model();
  t.is(subnormalsOf(model), 2);
  t.is(countSubnormals(graphsOf(flushSubnormals(graphOf(model)))), 0);
});

test('the graphs that are calibrated, quantised and compared have none, also after batch norms are folded', async (t) => {
  const model = givenUp(1e-40);
  t.is(subnormalsOf(model), 8 * channels);
  t.is(subnormalsOf(await toWorkingModel(model)), 0);
  t.is(subnormalsOf(parseModel(serializeReference('Kept', { model, payload: serializeModel(model) }))), 0);
  const scaled = classifierWith((network, from) => {
    const convolved = network.conv(from);
    const each = (value: number) => network.floats([channels], Array(channels).fill(value));
    return network.node('BatchNormalization', [convolved, each(2 * leastNormal), each(0), each(0), each(1)]);
  });
  t.is(subnormalsOf(scaled), 0);
  t.is(subnormalsOf(prepareForQdq(scaled)), 0);
});

test('the network computes the same', async (t) => {
  const model = givenUp(1e-40);
  const image = Float32Array.from({ length: 3 * side * side }, (_, i) => 60 * Math.sin(1.3 * i));
  const outputOf = async (each: ModelProto): Promise<Float32Array> => {
    const session = await openSession(serializeModel(each));
    const outputs = await session.run({ input_1: { data: image, dims: [1, 3, side, side] } });
    await session.release();
    return outputs['predictions/Softmax']!.data;
  };
  t.deepEqual(await outputOf(await toWorkingModel(model)), await outputOf(model));
});
