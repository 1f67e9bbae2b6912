/** Networks from other sources than TLT: names, roles, sizes, layouts and element types come from the file. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../src/data/specs/read-spec.ts';
import { type OpenedModel, openModel } from '../../src/export/models/open-model.ts';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, type Dimension, graphOf, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { parseModel, serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { Architecture } from '../../src/ground/contract/architectures.ts';
import type { ModelSettings } from '../../src/ground/contract/model-settings.ts';
import { detectorFile, detectorNames, modelFile } from '../models/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'any-network-'));
let files = 0;

type Opening = {
  readonly architecture?: Architecture;
  readonly settings?: ModelSettings;
  readonly spec?: ExperimentSpec;
};

const opened = async (
  model: ModelProto,
  { architecture = 'classification', settings, spec }: Opening = {},
) => {
  const path = join(folder, `${files++}.onnx`);
  writeFileSync(path, serializeModel(model));
  return openModel({ path, key: 'k', architecture, settings, spec });
};

const refusal = async (model: ModelProto, opening?: Opening): Promise<string> => {
  try {
    await opened(model, opening);
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'ModelUnsupported') return thrown.message;
    throw thrown;
  }
  return 'no error';
};

type Net = {
  readonly shape?: readonly Dimension[];
  readonly type?: number;
  readonly outputs?: readonly (readonly [string, readonly Dimension[]])[];
};

/** Every output is the mean of the image, or the image itself if it has its rank. */
const aNet = ({ shape = ['N', 3, 8, 10], type = elementType.float32, outputs }: Net = {}): ModelProto => {
  const given = outputs ?? [['scores', ['N', 'classes']]];
  const channelsLast = shape[3] === 3;
  const nodes = [
    ...(type === elementType.float32
      ? []
      : [makeNode('Cast', { inputs: ['pixels'], outputs: ['float'], attributes: { to: { int: 1 } } })]),
    ...(channelsLast
      ? [
          makeNode('Transpose', {
            inputs: [type === elementType.float32 ? 'pixels' : 'float'],
            outputs: ['planes'],
            attributes: { perm: { ints: [0, 3, 1, 2] } },
          }),
        ]
      : []),
    ...given.map(([name], i) =>
      makeNode('ReduceMean', {
        name: `mean_${i}`,
        inputs: [channelsLast ? 'planes' : type === elementType.float32 ? 'pixels' : 'float'],
        outputs: [name],
        attributes: { axes: { ints: [2, 3] }, keepdims: { int: given[i]![1].length === 2 ? 0 : 1 } },
      }),
    ),
  ];
  return makeModel({
    opset: 13,
    name: 'any',
    inputs: [makeValueInfo('pixels', type, shape)],
    outputs: given.map(([name, sizes]) => makeValueInfo(name, elementType.float32, sizes)),
    nodes,
  });
};

const sized = ({ input, outputs, channels, height, width, fixedBatch }: OpenedModel) => ({
  input,
  outputs,
  size: [fixedBatch ?? 'N', channels, height, width],
});

test('ports are found under the names of the graph', async (t) => {
  t.deepEqual(sized(await opened(aNet())), {
    input: 'pixels',
    outputs: ['scores'],
    size: ['N', 3, 8, 10],
  });
});

test('of several outputs the one with a row of classes is detected, and any can be selected', async (t) => {
  const one = aNet({
    outputs: [
      ['map', ['N', 3, 1, 7]],
      ['scores', ['N', 5]],
    ],
  });
  t.deepEqual((await opened(one)).outputs, ['scores']);
  const two = aNet({
    outputs: [
      ['a', ['N', 5]],
      ['b', ['N', 7]],
    ],
  });
  t.regex(
    await refusal(two),
    /its outputs are a \[N, 5\], b \[N, 7\], and none can be identified as .*⟨outputNodes⟩/,
  );
  t.deepEqual((await opened(two, { settings: { ports: { outputs: ['b', 'a'] } } })).outputs, ['b', 'a']);
  t.regex(
    await refusal(two, { settings: { ports: { outputs: ['c'] } } }),
    /it has no output c; its outputs are a/,
  );
  t.regex(
    await refusal(two, { settings: { ports: { input: 'x' } } }),
    /it has no input x; its inputs are pixels/,
  );
});

test('a graph with inputs besides images is refused, and its inputs are named', async (t) => {
  const model = aNet();
  const graph = graphOf(model);
  const second = makeValueInfo('orig_size', elementType.int64, ['N', 2]);
  const both = copyWith(model, { graph: copyWith(graph, { input: [...graph.input, second] }) });
  t.regex(await refusal(both), /its inputs are pixels \[N, 3, 8, 10\], orig_size \[N, 2\]/);
});

/** The model with every port of its graph renamed. */
const renamed = async (file: string): Promise<ModelProto> => {
  const model = parseModel(await readFile(file));
  const graph = graphOf(model);
  const ports = new Set([...graph.input, ...graph.output].map(({ name }) => name));
  const to = (name: string): string => (ports.has(name) ? `net.${name.length}.${name}` : name);
  const value = <T extends { readonly name: string }>(each: T): T =>
    copyWith(each, { name: to(each.name) } as Partial<T>);
  return copyWith(model, {
    graph: copyWith(graph, {
      input: graph.input.map(value),
      output: graph.output.map(value),
      node: graph.node.map((node) =>
        copyWith(node, { input: node.input.map(to), output: node.output.map(to) }),
      ),
    }),
  });
};

test('boxes and coverage of detectnet_v2 are detected by their planes, boxes first', async (t) => {
  const file = modelFile('detectnet_v2');
  const known = await openModel({ path: file, key: 'k', architecture: 'detectnet_v2' });
  const { outputs } = await opened(await renamed(file), { architecture: 'detectnet_v2' });
  t.deepEqual(
    outputs.map((name) => name.split('.').slice(2).join('.')),
    known.outputs,
  );
});

for (const name of detectorNames)
  test(`${name}: the outputs of its plugin are found under any name`, async (t) => {
    const known = await openModel({ path: detectorFile(name), key: 'k', architecture: name });
    const { outputs } = await opened(await renamed(detectorFile(name)), { architecture: name });
    t.deepEqual(
      outputs.map((each) => each.split('.').slice(2).join('.')),
      known.outputs,
    );
  });

test('a dynamic size is rejected with the flag that fixes it, and the exported graph has the given size', async (t) => {
  const free = aNet({ shape: ['N', 3, 'h', 'w'] });
  t.regex(
    await refusal(free),
    /pixels has the shape \[N, 3, h, w\], so its size is free\. Set it with ⟨inputDims⟩/,
  );
  const inputDims = { channels: 3, height: 20, width: 30 };
  const { payload, ...model } = await opened(free, { settings: { inputDims } });
  t.deepEqual(sized({ payload, ...model }).size, ['N', 3, 20, 30]);
  const session = await openSession(payload);
  t.deepEqual(session.inputs[0]!.shape.slice(1), [3, 20, 30]);
  await session.release();
});

test('a free size is taken from the spec, if there is one', async (t) => {
  const text = await readFile(
    join(import.meta.dirname, '..', 'fixtures', 'specs', 'classification-tlt3.txt'),
    'utf8',
  );
  const spec = parseExperimentSpec(text, { file: 'spec.cfg', architecture: 'classification' });
  const free = aNet({ shape: ['N', 3, 'h', 'w'] });
  t.deepEqual(sized(await opened(free, { spec })).size, ['N', 3, 64, 96]);
});

test('a size that the graph fixes is not changed', async (t) => {
  const inputDims = { channels: 3, height: 8, width: 12 };
  t.regex(
    await refusal(aNet(), { settings: { inputDims } }),
    /\[N, 3, 8, 10\], which ⟨inputDims⟩ 3,8,12 contradicts/,
  );
  t.deepEqual(sized(await opened(aNet({ shape: [4, 1, 8, 10] }))).size, [4, 1, 8, 10]);
});

test('shapes and types that are not images are refused by name', async (t) => {
  t.regex(await refusal(aNet({ shape: ['N', 4, 8, 10] })), /images have 1 or 3 channels/);
  t.regex(
    await refusal(aNet({ shape: ['N', 3, 8] })),
    /has the shape \[N, 3, 8\], and must have \[N, 3 or 1, height, width\]/,
  );
  t.regex(await refusal(aNet({ type: elementType.int64 })), /pixels holds int64, and images are float32/);
});

const pixelValues = Float32Array.from({ length: 3 * 8 * 10 }, (_, i) => (i * 7) % 256);

/** Output of an exported graph for one image, N,C,H,W in float32. */
const answer = async ({ payload, input }: OpenedModel): Promise<number[]> => {
  const session = await openSession(payload);
  const { scores } = await session.run({ [input]: { data: pixelValues, dims: [1, 3, 8, 10] } });
  await session.release();
  return [...scores!.data];
};

for (const [what, net] of [
  ['N,H,W,C', { shape: ['N', 8, 10, 3] }],
  ['uint8', { type: elementType.uint8 }],
  ['float16', { type: elementType.float16 }],
  ['N,H,W,C of uint8', { shape: ['N', 8, 10, 3], type: elementType.uint8 }],
] as const)
  test(`a network of ${what} is exported with a float32 N,C,H,W input of the same name, and computes the same`, async (t) => {
    const model = await opened(aNet(net));
    t.deepEqual(sized(model), { input: 'pixels', outputs: ['scores'], size: ['N', 3, 8, 10] });
    t.deepEqual(await answer(model), await answer(await opened(aNet())));
  });

test('pixels are preprocessed as the user sets, with one number per channel or one for all', async (t) => {
  const preprocess = { channelOrder: 'RGB', mean: ['127.5'], scale: ['0.01', '0.02', '0.03'] } as const;
  const { preprocessing } = await opened(aNet(), { settings: { preprocess } });
  t.deepEqual(preprocessing, { order: 'RGB', mean: [127.5, 127.5, 127.5], scale: [0.01, 0.02, 0.03] });
  const part = await opened(aNet(), { settings: { preprocess: { scale: ['0.5'] } } });
  t.deepEqual(part.preprocessing, { order: 'BGR', mean: [103.939, 116.779, 123.68], scale: 0.5 });
  const bytes = await opened(aNet({ type: elementType.uint8 }));
  t.deepEqual(bytes.preprocessing, { order: 'RGB', mean: [0, 0, 0], scale: 1 });
});

test('a wrong number of channel values, and scaling of uint8 input, are refused', async (t) => {
  const messageFor = async (net: Net, preprocess: ModelSettings['preprocess']): Promise<string> =>
    (
      await t.throwsAsync(opened(aNet(net), { settings: { preprocess: preprocess! } }), {
        instanceOf: UserError,
      })
    ).message;
  t.regex(
    await messageFor({ shape: ['N', 1, 8, 10] }, { mean: ['1', '2', '3'] }),
    /mean has 3 numbers, .* takes 1/,
  );
  t.regex(
    await messageFor({ type: elementType.uint8 }, { scale: ['0.5'] }),
    /is uint8, so it takes unscaled pixels/,
  );
});
