/** Models that contain quantisation: the saturation of their pairs is preserved, and integer weights are weights. */

import { join } from 'node:path';
import test from 'ava';
import { openModel } from '../../src/export/models/open-model.ts';
import { requireSameFunction } from '../../src/export/pipeline/graph-check.ts';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, isQat } from '../../src/formats/onnx/graph.ts';
import { floatsOf, tensorFromBytes } from '../../src/formats/onnx/tensor.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { asInt8, classesOf, decibels, exportNetwork } from '../builders/exports.ts';
import { channels, input, Network } from '../builders/networks.ts';

type Integers = 'uint8' | 'int8' | 'uint16' | 'int16';
type Levels = { readonly type: Integers; readonly zero: number; readonly scale: number };

const zeroOf = (network: Network, { type, zero }: Levels): string => {
  const values = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array }[type].of(
    zero,
  );
  const bytes = new Uint8Array(values.buffer);
  return network.tensor(tensorFromBytes(network.name('z'), [], { dataType: elementType[type], bytes }));
};

const pair = (network: Network, from: string, levels: Levels, outputs?: string[]): string => {
  const parameters = [network.scalar(levels.scale), zeroOf(network, levels)];
  const integers = network.node('QuantizeLinear', [from, ...parameters]);
  return network.node('DequantizeLinear', [integers, ...parameters], {}, outputs);
};

type Activation = (network: Network, from: string) => string;

/** Two convolutions, each followed by this. */
const network = (activation: Activation, opset = 13): ModelProto => {
  const built = new Network();
  const first = activation(built, built.conv(input, built.weight([channels, 3, 3, 3], 0.02)));
  built.head(activation(built, built.conv(first)));
  return built.model({ opset });
};

const rectified: Activation = (built, from) => built.node('Relu', [from]);
const clipped =
  (low: number, high: number): Activation =>
  (built, from) =>
    built.node('Max', [built.node('Min', [from, built.scalar(high)]), built.scalar(low)]);
const quantised =
  (levels: Levels): Activation =>
  (built, from) =>
    pair(built, from, levels);

/** Pairs that replace an activation, and the equivalent float network. */
const cuts: Readonly<Record<string, readonly [ModelProto, ModelProto]>> = {
  'uint8 from 0 is a Relu': [network(quantised({ type: 'uint8', zero: 0, scale: 0.1 })), network(rectified)],
  'int8 from -128 is a Relu': [
    network(quantised({ type: 'int8', zero: -128, scale: 0.1 })),
    network(rectified),
  ],
  'uint8 from 0 to 6 is a Relu6': [
    network(quantised({ type: 'uint8', zero: 0, scale: 6 / 255 })),
    network(clipped(0, 6)),
  ],
  'uint8 up to 0 cuts positive values': [
    network(quantised({ type: 'uint8', zero: 255, scale: 0.1 })),
    network(clipped(-25.5, 0)),
  ],
  'uint8 around 20 is a Clip': [
    network(quantised({ type: 'uint8', zero: 20, scale: 0.05 })),
    network(clipped(-1, 11.75)),
  ],
  'uint16 from 0 is a Relu': [
    network(quantised({ type: 'uint16', zero: 0, scale: 0.001 }), 21),
    network(rectified, 21),
  ],
  'int16 from its end is a Relu': [
    network(quantised({ type: 'int16', zero: -32768, scale: 0.001 }), 21),
    network(rectified, 21),
  ],
  'uint8 from 0 is a Relu in opset 10, where Clip has attributes': [
    network(quantised({ type: 'uint8', zero: 0, scale: 0.1 }), 10),
    network(rectified, 10),
  ],
};

for (const [name, [model, float]] of Object.entries(cuts))
  test(`the saturation of a pair stays in the export: ${name}`, async (t) => {
    const { code, stderr, payload } = await exportNetwork(model);
    t.is(code, 0, stderr);
    t.false(isQat(payload!));
    t.regex(stderr, /Compared with the given model on 4 synthetic images, .*: the exported graph$/m);
    const found = await classesOf(payload!);
    const against = {
      float: decibels(await classesOf(float), found),
      given: decibels(await classesOf(model), found),
    };
    t.true(against.float > 100 && against.given > 25, JSON.stringify(against));
  });

test('int8 uses the scales of pairs that act as Relus for the tensors before and after the Clip', async (t) => {
  const [model] = cuts['uint8 from 0 is a Relu']!;
  const { code, stderr, scales, payload } = await exportNetwork(
    model,
    '--data_type',
    'int8',
    '--engine_file',
    'e.onnx',
  );
  t.is(code, 0, stderr);
  const clips = graphOf(payload!).node.filter(({ opType }) => opType === 'Clip');
  t.is(clips.length, 2);
  for (const { input: from, output } of clips)
    for (const tensor of [from[0]!, output[0]!])
      t.is(scales!.get(tensor), Math.fround((255 * Math.fround(0.1)) / 127));
});

test('--force_ptq calibrates the network with its Relus', async (t) => {
  const [model, float] = cuts['uint8 around 20 is a Clip']!;
  const refused = await exportNetwork(model, '--data_type', 'int8');
  t.is(refused.code, failures.ModelUnsupported.exitCode);
  const { code, stderr, payload } = await exportNetwork(model, '--force_ptq', ...(await asInt8()));
  t.is(code, 0, stderr);
  t.true(decibels(await classesOf(float), await classesOf(payload!)) > 100);
});

test('a pair after a Relu saturates no value that the Relu passes, so no Clip is added', async (t) => {
  const levels = { type: 'uint8', zero: 0, scale: 0.1 } as const;
  const { payload } = await exportNetwork(
    network((built, from) => pair(built, built.node('Relu', [from]), levels)),
  );
  t.deepEqual([...new Set(graphOf(payload!).node.map(({ opType }) => opType))].sort(), [
    'Conv',
    'Flatten',
    'Gemm',
    'GlobalAveragePool',
    'Relu',
    'Softmax',
  ]);
});

test('a pair whose two scales differ is not a pair', async (t) => {
  const model = network((built, from) => {
    const zero = zeroOf(built, { type: 'int8', zero: 0, scale: 1 });
    const integers = built.node('QuantizeLinear', [from, built.scalar(0.1), zero]);
    return built.node('DequantizeLinear', [integers, built.scalar(0.2), zero]);
  });
  const { code, stderr, payload } = await exportNetwork(model);
  t.is(code, failures.ModelUnsupported.exitCode, stderr);
  t.regex(stderr, /has another scale or zero point than the/);
  t.is(payload, undefined);
});

test('scales and zero points computed from constants are known; the saturation of a computed scale is not', async (t) => {
  const after: Activation = (built, from) => {
    const scale = built.node('Identity', [built.scalar(0.1)]);
    const zero = built.node('Cast', [built.integers(0)], { to: { int: elementType.uint8 } });
    const scalar = built.node('Squeeze', [zero]);
    const integers = built.node('QuantizeLinear', [from, scale, scalar]);
    return built.node('DequantizeLinear', [integers, scale, scalar]);
  };
  const { code, stderr, payload } = await exportNetwork(network(after));
  t.is(code, 0, stderr);
  t.true(decibels(await classesOf(network(rectified)), await classesOf(payload!)) > 100);
  const computed: Activation = (built, from) => {
    const scale = built.node('ReduceMax', [from], { keepdims: { int: 0 } });
    const integers = built.node('QuantizeLinear', [from, scale]);
    return built.node('DequantizeLinear', [integers, scale]);
  };
  const refused = await exportNetwork(network(computed));
  t.is(refused.code, failures.ModelUnsupported.exitCode);
  t.regex(
    refused.stderr,
    /cuts its values off like a Relu or a Clip, and its scale is computed by the graph/,
  );
});

test('an exported graph that computes something else is refused before anything is written', async (t) => {
  const { folder } = await exportNetwork(cuts['uint8 from 0 is a Relu']![0]);
  const opened = await openModel({
    path: join(folder, 'model.onnx'),
    key: 'k',
    architecture: 'classification',
  });
  const graph = graphOf(opened.model);
  const broken = graph.node.map((node) =>
    node.opType === 'Clip' ? copyWith(node, { opType: 'Identity', input: node.input.slice(0, 1) }) : node,
  );
  const check = { dataType: 'fp32', heldOut: [], signal: new AbortController().signal } as const;
  t.false((await requireSameFunction(opened, check))!.isWarning);
  const model = copyWith(opened.model, { graph: copyWith(graph, { node: broken }) });
  const error = await t.throwsAsync(requireSameFunction({ ...opened, model }, check), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'ExportDiffers');
  t.regex(error.message, /On 4 synthetic images, .* its output predictions\/Softmax agrees to -?\d+\.\d dB/);
});

/** Integer weights with a scale, and float activations. */
const storedAsIntegers = (): ModelProto => {
  const built = new Network();
  const weight = (dims: readonly number[]): string => {
    const size = dims.reduce((a, b) => a * b, 1);
    const levels = built.bytes(
      dims,
      Array.from({ length: size }, () => Math.round(built.normal() * 40)),
    );
    return built.node('DequantizeLinear', [levels, built.scalar(0.002)]);
  };
  const first = built.node('Relu', [built.conv(input, weight([channels, 3, 3, 3]))]);
  built.head(built.node('Relu', [built.conv(first, weight([channels, channels, 3, 3]))]));
  return built.model();
};

test('weights stored as integers do not mean training with quantisation: the images are used to calibrate', async (t) => {
  const { code, stderr, scales } = await exportNetwork(
    storedAsIntegers(),
    ...(await asInt8()),
    '--engine_file',
    'e.onnx',
  );
  t.is(code, 0, stderr);
  t.is(scales!.size, 9);
  t.regex(stderr, /Calibration cache of 9 tensors from 8 images/);
});

/** Casts at both ends, float16 between. */
const halfInside = (): ModelProto => {
  const built = new Network();
  const half = (name: string): string => built.node('Cast', [name], { to: { int: elementType.float16 } });
  const first = built.node('Conv', [half(input), half(built.weight([channels, 3, 3, 3], 0.02))], {
    pads: { ints: [1, 1, 1, 1] },
  });
  const second = built.node('Relu', [
    built.conv(built.node('Relu', [first]), half(built.weight([channels, channels, 3, 3]))),
  ]);
  built.head(built.node('Cast', [second], { to: { int: elementType.float32 } }));
  return built.model();
};

test('a network that computes in float16 is measured there, and its cache can be reused', async (t) => {
  const given = await asInt8();
  const { code, stderr, scales, payload } = await exportNetwork(
    halfInside(),
    ...given,
    '--engine_file',
    'e.onnx',
  );
  t.is(code, 0, stderr);
  t.is(scales!.size, 11, [...scales!.keys()].join());
  t.is(graphOf(payload!).node.length, graphOf(halfInside()).node.length, 'the file is exported unchanged');
  t.true(floatsOf(graphOf(payload!).initializer[0]!).length > 0);
  t.regex(stderr, /2 of 3 layers compute in int8/);
});
