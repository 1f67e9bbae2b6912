import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { makeDetectorOptions } from '../../src/export/models/keras-detector.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, makeUntypedValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import {
  type Detector,
  type DetectorArchitecture,
  detectorArchitectures,
} from '../../src/graph/keras/detectors/detector.ts';
import type { ImportedModel } from '../../src/graph/keras/import.ts';
import { lowerPlugins } from '../../src/graph/plugins/lower.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { runPeer } from '../peers/venv.ts';
import { aDetector, aDetectorSpec } from './detectors.ts';
import {
  aLayer,
  aNetwork,
  anInput,
  difference,
  expectedDetector,
  imported,
  kerasPath,
  writeKeras,
} from './fixtures.ts';

const models = new Map<DetectorArchitecture, Promise<ImportedModel>>();

/** The imported fixture with its own spec; imported once for all tests. */
const modelOf = async (name: DetectorArchitecture): Promise<ModelProto> => {
  const known = models.get(name) ?? imported(kerasPath(name), { detector: aDetector(name) });
  models.set(name, known);
  return (await known).model;
};

/** The graph in ONNX operators only, with more of its tensors as outputs. */
const running = (model: ModelProto, tensors: readonly string[]): ModelProto => {
  const lowered = lowerPlugins(model, 'NonMaxSuppression');
  const graph = graphOf(lowered);
  const output = [...graph.output, ...tensors.map(makeUntypedValueInfo)];
  return copyWith(lowered, { graph: copyWith(graph, { output }) });
};

type Columns = readonly [from: number, to: number];
/** Columns of a row of `raw_0`, or all of another array. */
type Part = readonly [raw: number, columns?: Columns];
type Case = {
  readonly predictions: Readonly<Record<string, Part>>;
  /** Index in the reference of each float output; the number of rows follows from these. */
  readonly ends: Readonly<Record<string, number>>;
};

const anchored: Case = {
  predictions: { loc_data: [0, [3, 7]], conf_data: [0, [0, 3]] },
  ends: { NMS: 0 },
};
const cases: Readonly<Record<DetectorArchitecture, Case>> = {
  ssd: anchored,
  dssd: anchored,
  retinanet: { ...anchored, predictions: { loc_data: [0, [3, 7]] } },
  yolo: {
    predictions: { 'encoded_detections/concat': [0, [6, 13]] },
    ends: { BatchedNMS_1: 1, BatchedNMS_2: 2, BatchedNMS_3: 3 },
  },
  faster_rcnn: {
    predictions: {
      'rpn_out_class/Sigmoid': [0],
      'rpn_out_regress/BiasAdd': [1],
      proposal_out: [2],
      'dense_class_td/Softmax': [3],
      'dense_regress_td/BiasAdd': [4],
    },
    ends: { nms_out: 0 },
  },
};

const columnsOf = (data: Float32Array, width: number, [from, to]: Columns): Float32Array =>
  data.filter((_, i) => i % width >= from && i % width < to);

const endsAsTrained = test.macro({
  exec: async (t, name: DetectorArchitecture) => {
    const { predictions, ends } = cases[name];
    const session = await openSession(serializeModel(running(await modelOf(name), Object.keys(predictions))));
    const { input, raw, end } = await expectedDetector(name);
    const found = await session.run({ [session.inputs[0]!.name]: input });
    await session.release();
    for (const [tensor, [index, columns]] of Object.entries(predictions)) {
      const { data, dims } = raw[index]!;
      const expected = columns ? columnsOf(data, dims.at(-1)!, columns) : data;
      t.is(found[tensor]!.data.length, expected.length, tensor);
      const apart = difference(found[tensor]!, { data: expected, dims });
      t.true(apart < 1e-5, `${tensor}: ${apart}`);
    }
    for (const [tensor, index] of Object.entries(ends))
      t.true(difference(found[tensor]!, end[index]!) < 1e-4, tensor);
    t.true(end[name === 'yolo' ? 0 : 1]!.data.every((count) => count > 0));
  },
  title: (_, name) =>
    `${name} predicts what Keras predicts, and its end finds the boxes of the plugins' reference`,
});
for (const name of detectorArchitectures) test(endsAsTrained, name);

test('the spec of the fixtures matches the parameters in their tests', async (t) => {
  for (const architecture of detectorArchitectures) {
    const spec = parseExperimentSpec(aDetectorSpec(architecture), { file: 'spec', architecture });
    const options = makeDetectorOptions(architecture, spec);
    t.like(round(options.detector!.plugin), round(aDetector(architecture).plugin), architecture);
  }
});

/** Numbers of a spec are float32. */
const round = (value: unknown): object =>
  JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'number' ? Math.fround(each) : each)));

test('all anchors are one constant, and the graph has no unused nodes', async (t) => {
  for (const name of ['ssd', 'yolo'] as const) {
    const { node, output } = graphOf(await modelOf(name));
    const read = new Set([...node.flatMap(({ input }) => input), ...output.map((port) => port.name)]);
    t.deepEqual(
      node.filter((each) => !each.output.some((made) => read.has(made))),
      [],
    );
    t.is(node.filter(({ opType }) => opType === 'Expand').length, name === 'ssd' ? 1 : 0);
  }
});

test("onnx's checker accepts the graphs, and TensorRT's parser accepts them with lowered plugins", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keras-detectors-'));
  const paths: string[] = [];
  for (const name of detectorArchitectures) {
    paths.push(join(folder, `${name}.onnx`));
    const model = lowerPlugins(await modelOf(name), 'Loop');
    writeFileSync(paths.at(-1)!, serializeModel(model));
  }
  await runPeer('check_onnx.py', paths);
  const parsed = (await runPeer('parse_trt.py', paths)) as (number | string[])[];
  t.deepEqual(
    parsed.filter((each) => typeof each !== 'number'),
    [],
  );
});

test('without a spec the graph ends as trained, with anchors in its output', async (t) => {
  const { model } = await imported(kerasPath('retinanet'));
  const session = await openSession(serializeModel(model));
  const { input, raw } = await expectedDetector('retinanet');
  const found = await session.run({ Input: input });
  await session.release();
  t.true(difference(found['retinanet_predictions/Reshape']!, raw[0]!) < 1e-5);
});

type Refusal = {
  readonly file: DetectorArchitecture;
  readonly detector: Detector | undefined;
  readonly reason: FailureReason;
  readonly message: RegExp;
};

const withPlugin = (name: DetectorArchitecture, plugin: Partial<Detector['plugin']>): Detector => ({
  ...aDetector(name),
  plugin: { ...aDetector(name).plugin, ...plugin },
});
const withRegions = (regions: object): Detector =>
  withPlugin('faster_rcnn', { proposal: { ...aDetector('faster_rcnn').plugin.proposal!, ...regions } });

const refuses = test.macro({
  exec: async (t, { file, detector, reason, message }: Refusal) => {
    const error = await t.throwsAsync(imported(kerasPath(file), { detector }), { instanceOf: UserError });
    t.is(error.reason, reason);
    t.regex(error.message, message);
  },
  title: (name) => `refuses ${name}`,
});

test('a spec whose classes differ from those of the ssd', refuses, {
  file: 'ssd',
  detector: withPlugin('ssd', { classes: 3 }),
  reason: 'SpecInvalid',
  message: /the model has 3 classes including the background.*the spec maps to 3 without it.*\(-e\)/,
});
test('a spec whose classes differ from those of the yolo', refuses, {
  file: 'yolo',
  detector: withPlugin('yolo', { classes: 5 }),
  reason: 'SpecInvalid',
  message: /predicts 7 numbers per anchor; the 5 classes of the spec require 10/,
});
test('a spec whose anchors differ from those of the faster_rcnn', refuses, {
  file: 'faster_rcnn',
  detector: withRegions({ anchorSizes: [32] }),
  reason: 'SpecInvalid',
  message: /6 anchors per cell; the spec's 1 sizes and 3 ratios make 3/,
});
test('a spec without the factors of the boxes', refuses, {
  file: 'faster_rcnn',
  detector: withRegions({ boxSpread: [10, 10] }),
  reason: 'SpecInvalid',
  message: /classifier_regr_std of the spec lacks one of x, y, w and h/,
});
test('a yolo as ssd', refuses, {
  file: 'yolo',
  detector: aDetector('ssd'),
  reason: 'ModelUnsupported',
  message: /no layer mbox_loc.*Choose the module/,
});
test('an ssd as yolo', refuses, {
  file: 'ssd',
  detector: aDetector('yolo'),
  reason: 'ModelUnsupported',
  message: /rows that begin with a YOLOAnchorBox/,
});
test('a faster_rcnn without a spec, naming the layer that needs it', refuses, {
  file: 'faster_rcnn',
  detector: undefined,
  reason: 'ModelUnsupported',
  message: /proposal_1 \(Proposal\).*experiment spec.*\(-e\)/,
});
test('images of free size without a spec', refuses, {
  file: 'yolo',
  detector: { ...aDetector('yolo'), sides: undefined },
  reason: 'ModelUnsupported',
  message: /bg_anchor \(YOLOAnchorBox\).*anchors need a fixed one/,
});
test('invalid anchors are refused', async (t) => {
  const made = await writeKeras({
    network: aNetwork(
      anInput(),
      aLayer('YOLOAnchorBox', 'a', { config: { anchor_size: [[1]] }, from: ['input_1'] }),
    ),
  });
  await t.throwsAsync(imported(made), {
    instanceOf: UserError,
    message: /a \(YOLOAnchorBox\).*anchor_size is not a list/,
  });
});

const wrapping = (className: string) =>
  aNetwork(
    anInput(),
    aLayer('TimeDistributed', 'td', {
      config: { layer: { class_name: className, config: { name: 'inner', depth: 3 } } },
      from: ['input_1'],
    }),
  );
test('an unknown layer in a wrapper is refused with the path of the wrapper, its class and configuration', async (t) => {
  await t.throwsAsync(imported(await writeKeras({ network: wrapping('Mine') })), {
    instanceOf: UserError,
    message: /td \(Mine\): this class is not supported.*"depth":3/,
  });
});
test('a wrapper whose input is not regions of an image is refused', async (t) => {
  await t.throwsAsync(imported(await writeKeras({ network: wrapping('ReLU') })), {
    instanceOf: UserError,
    message: /td \(TimeDistributed\): its input is not regions of an image/,
  });
});
