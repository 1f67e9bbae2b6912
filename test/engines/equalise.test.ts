/** Equalisation of channels before convolutions, with each activation between: same function, less noise in int8. */
import test from 'ava';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  foldConstants,
  graphOf,
  initializerMap,
  makeUntypedValueInfo,
  opsetOf,
} from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { floatsOf } from '../../src/formats/onnx/tensor.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import {
  equaliseByRules,
  equaliseChannels,
  listEqualisable,
} from '../../src/graph/transforms/equalise/equalise.ts';
import { findChannelSites, indexGraph } from '../../src/graph/transforms/equalise/sites.ts';
import { channels, classifierWith, input, Network, output, side } from '../builders/networks.ts';
import { type Build, convolved, unequalClassifier } from '../builders/unequal-channels.ts';

const normed: Build = (network, from) => {
  const perChannel = (value: (c: number) => number) =>
    network.floats(
      [channels],
      Array.from({ length: channels }, (_, c) => value(c)),
    );
  const parameters = [(c: number) => 2 ** -c, (c: number) => 2 ** -c / 3, () => 0.1, () => 1.5];
  return network.node('BatchNormalization', [network.conv(from), ...parameters.map(perChannel)]);
};

/** What stands between the layer that is divided and the depthwise convolution, and how many nodes are added. */
const cases: Readonly<Record<string, { readonly build: Build; readonly added: number }>> = {
  'nothing but a bias': { build: convolved, added: 0 },
  'a Relu behind a norm': { build: (n, x) => n.node('Relu', [normed(n, x)]), added: 0 },
  'a LeakyRelu': {
    build: (n, x) => n.node('LeakyRelu', [convolved(n, x)], { alpha: { float: 0.1 } }),
    added: 0,
  },
  'a PRelu': {
    build: (n, x) => n.node('PRelu', [convolved(n, x), n.weight([channels, 1, 1], 0.2)]),
    added: 0,
  },
  'a Relu6 as Clip': {
    build: (n, x) => n.node('Clip', [convolved(n, x), n.scalar(0), n.scalar(1.2)]),
    added: 1,
  },
  'a Relu6 as Relu and Min': {
    build: (n, x) => n.node('Min', [n.node('Relu', [convolved(n, x)]), n.scalar(1.2)]),
    added: 0,
  },
  'a Clip with two limits': {
    build: (n, x) => n.node('Clip', [convolved(n, x), n.scalar(-0.7), n.scalar(1.2)]),
    added: 1,
  },
  'a Relu and a Pad': {
    build: (n, x) => n.node('Pad', [n.node('Relu', [convolved(n, x)]), n.integers(0, 0, 1, 1, 0, 0, 1, 1)]),
    added: 0,
  },
  'a swish, which scaling does not pass': {
    build: (n, x) => {
      const from = convolved(n, x);
      return n.node('Mul', [from, n.node('Sigmoid', [from])]);
    },
    added: 1,
  },
};

const pixels = (seed: number): Float32Array => {
  const network = new Network();
  for (let i = 0; i < seed; i++) network.normal();
  return Float32Array.from({ length: 3 * side * side }, () => network.normal() * 60);
};

const images = Array.from({ length: 6 }, (_, i) => pixels(i * 5));

const runAll = async (model: ModelProto, outputs: readonly string[]): Promise<Float32Array[][]> => {
  const graph = copyWith(graphOf(model), { output: outputs.map(makeUntypedValueInfo) });
  const session = await openSession(serializeModel(copyWith(model, { graph })));
  const found: Float32Array[][] = [];
  for (const data of images) {
    const results = await session.run({ [input]: { data, dims: [1, 3, side, side] } });
    found.push(outputs.map((name) => results[name]!.data));
  }
  await session.release();
  return found;
};

/** The tensors in front of depthwise convolutions whose channels can be divided. */
const depthwiseTensors = (model: ModelProto): readonly string[] =>
  findChannelSites(indexGraph(foldConstants(graphOf(model)), opsetOf(model)))
    .filter(({ sums }) => !sums)
    .map(({ tensor }) => tensor);

/** Other tensors have no ranges, so that they stay as they are. */
const depthwiseRangesOf = async (model: ModelProto): Promise<ReadonlyMap<string, Float32Array>> => {
  const ranges = await rangesOf(model);
  return new Map(depthwiseTensors(model).map((tensor) => [tensor, ranges.get(tensor)!]));
};

/** Largest |x| of each channel, over all images. */
const rangesOf = async (model: ModelProto): Promise<ReadonlyMap<string, Float32Array>> => {
  const names = [...listEqualisable(model).keys()];
  const found = await runAll(model, names);
  return new Map(
    names.map((name, k) => {
      const ranges = new Float32Array(channels);
      for (const image of found)
        for (const [i, value] of image[k]!.entries()) {
          const channel = Math.floor(i / (image[k]!.length / channels));
          ranges[channel] = Math.max(ranges[channel]!, Math.abs(value));
        }
      return [name, ranges];
    }),
  );
};

const sqnrDb = (expected: readonly Float32Array[], found: readonly Float32Array[]): number => {
  let [signal, noise] = [0, 0];
  for (const [k, values] of expected.entries())
    for (const [i, value] of values.entries()) {
      signal += value ** 2;
      noise += (value - found[k]![i]!) ** 2;
    }
  return 10 * Math.log10(signal / noise);
};

/** The tensor that the depthwise convolution writes, in float, and with one scale for its input. */
const measured = async (model: ModelProto) => {
  const tensor = graphOf(model).node.find(({ name }) => name === 'depthwise')!.input[0]!;
  const values = await runAll(model, [tensor, 'depthwise', output]);
  const largest = values.reduce((most, [x]) => x!.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
  const int8 = await runAll(quantiseModel(model, new Map([[tensor, largest / 127]])), ['depthwise']);
  const float = values.map(([, y]) => y!);
  return {
    float,
    classes: values.map(([, , p]) => p!),
    db: sqnrDb(
      float,
      int8.map(([y]) => y!),
    ),
  };
};

for (const [title, { build, added }] of Object.entries(cases))
  test(`behind ${title}, the network computes the same, and int8 loses less`, async (t) => {
    const model = unequalClassifier(build);
    const equalised = equaliseChannels(model, await depthwiseRangesOf(model));
    t.is(equalised.layers, 1);
    t.is(equalised.nodes, added);
    const [before, after] = [await measured(model), await measured(equalised.model)];
    t.true(sqnrDb(before.float, after.float) > 100, `${sqnrDb(before.float, after.float)} dB`);
    t.true(sqnrDb(before.classes, after.classes) > 100);
    t.true(after.db > before.db + 6, `${before.db} → ${after.db} dB`);
  });

/** A Conv reads channels along the second axis of its weight, a ConvTranspose along the first. */
const summing = { Conv: 9, ConvTranspose: 9 * channels } as const;

for (const [opType, stride] of Object.entries(summing))
  test(`in front of a ${opType} that sums channels, the network computes the same, and int8 loses less`, async (t) => {
    const model = classifierWith((network, from) => {
      const made = network.node('Relu', [convolved(network, from)]);
      const weight = Array.from(
        { length: channels * channels * 9 },
        (_, i) => network.normal() * 2 ** (Math.floor(i / stride) % channels),
      );
      const inputs = [made, network.floats([channels, channels, 3, 3], weight)];
      const attributes = { pads: { ints: [1, 1, 1, 1] } };
      return network.node('Tanh', [network.node(opType, inputs, attributes, ['depthwise'])]);
    });
    const equalised = equaliseChannels(model, await rangesOf(model));
    t.is(equaliseChannels(model, await depthwiseRangesOf(model)).layers, 0);
    t.true(equalised.layers > 0);
    t.is(equalised.nodes, 0);
    const [before, after] = [await measured(model), await measured(equalised.model)];
    t.true(sqnrDb(before.float, after.float) > 100, `${sqnrDb(before.float, after.float)} dB`);
    t.true(after.db > before.db + 6, `${before.db} → ${after.db} dB`);
  });

/** A convolution that sums channels of very unequal ranges behind a swish, which scaling does not pass. */
const summedBehindSwish = (outputScale: (o: number) => number): ModelProto =>
  classifierWith((network, from) => {
    const made = convolved(network, from);
    const swish = network.node('Mul', [made, network.node('Sigmoid', [made])]);
    const weight = Array.from(
      { length: channels ** 2 },
      (_, i) => network.normal() * 2 ** (i % channels) * outputScale(Math.floor(i / channels)),
    );
    return network.node('Conv', [swish, network.floats([channels, channels, 1, 1], weight)], {}, [
      'depthwise',
    ]);
  });

test('the channels of a swish are divided by a Mul where that gains, and by the other rules stay', async (t) => {
  const model = summedBehindSwish(() => 1);
  const found = equaliseByRules(model, await rangesOf(model));
  t.deepEqual(
    found.map(({ nodes, summing, rule }) => [nodes > 0, summing > 0, rule.readers, rule.evenness]),
    [
      [true, true, 'All', 0.75],
      [true, true, 'All', 0.5],
      [false, true, 'DepthwiseAndFree', 0.75],
    ],
  );
  const [before, after] = [await measured(model), await measured(found[0]!.model)];
  t.true(sqnrDb(before.float, after.float) > 100, `${sqnrDb(before.float, after.float)} dB`);
  t.true(after.db > before.db + 3, `${before.db} → ${after.db} dB`);
});

test('the factors of a layer that sums channels do not depend on the size of its outputs, since each has a scale', async (t) => {
  const factorsOf = async (model: ModelProto) => {
    const equalised = equaliseChannels(model, await rangesOf(model)).model;
    const conv = graphOf(equalised).node.find(({ name }) => name === 'depthwise')!;
    const [now, was] = [equalised, model].map((each) => initializerMap(graphOf(each)));
    const old = floatsOf(was!.get(conv.input[1]!.replace('/equalised', ''))!);
    return [...floatsOf(now!.get(conv.input[1]!)!)].map((value, i) => value / old[i]!);
  };
  const [plain, scaled] = [
    await factorsOf(summedBehindSwish(() => 1)),
    await factorsOf(summedBehindSwish((o) => 4 ** o)),
  ];
  for (const [i, factor] of plain.entries()) t.true(Math.abs(scaled[i]! / factor - 1) < 1e-4, `${i}`);
});

test('the factors make all channels as large as the largest, and unused channels stay', async (t) => {
  const model = unequalClassifier(convolved);
  const [tensor] = depthwiseTensors(model);
  const ranges = Float32Array.from({ length: channels }, (_, c) => (c === 3 ? 0 : 8 / (c + 1)));
  const equalised = equaliseChannels(model, new Map([[tensor!, ranges]])).model;
  const conv = graphOf(equalised).node.find(({ output: [name] }) => name === tensor)!;
  const [now, was] = [equalised, model].map((each) => initializerMap(graphOf(each)));
  const [bias0, bias1] = [
    floatsOf(was!.get(conv.input[2]!.replace('/equalised', ''))!),
    floatsOf(now!.get(conv.input[2]!)!),
  ];
  for (const c of bias0.keys())
    t.true(Math.abs(bias1[c]! / bias0[c]! - (c === 3 ? 1 : c + 1)) < 1e-5, `channel ${c}`);
});

const untouched: Readonly<Record<string, Build>> = {
  'with a second reader': (n, x) => {
    const from = convolved(n, x);
    return n.node('Concat', [from, n.node('Relu', [from])], { axis: { int: 1 } });
  },
  'behind a Pad of channels': (n, x) =>
    n.node('Pad', [n.conv(x, n.weight([channels - 2, channels, 3, 3])), n.integers(0, 1, 0, 0, 0, 1, 0, 0)]),
  'behind a Pad with ones': (n, x) =>
    n.node('Pad', [convolved(n, x), n.integers(0, 0, 1, 1, 0, 0, 1, 1), n.scalar(1)]),
};

for (const [title, build] of Object.entries(untouched))
  test(`a depthwise convolution ${title} stays as it is`, (t) => {
    const model = classifierWith((network, from) => {
      const made = build(network, from);
      const count = title === 'with a second reader' ? 2 * channels : channels;
      const weight = network.weight([count, 1, 3, 3]);
      return network.conv(
        network.conv(made, weight, { group: { int: count } }),
        network.weight([channels, count, 3, 3]),
      );
    });
    t.deepEqual(depthwiseTensors(model), []);
    t.is(equaliseChannels(model, new Map()).model, model);
  });
