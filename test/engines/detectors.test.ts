/** Trained detectors with plugin nodes: what they detect in every precision, and which tensors are calibrated. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Batch, imageBatches } from '../../src/data/preprocessing/batches.ts';
import { type OpenedModel, openModel } from '../../src/export/models/open-model.ts';
import { pixelsOf } from '../../src/export/pipeline/calibration-source.ts';
import { batchHeldOut, measureInt8Agreement } from '../../src/export/pipeline/verify-int8.ts';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { graphOf } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { intOf } from '../../src/formats/onnx/node.ts';
import { AgreementSum } from '../../src/graph/evaluation/agreement.ts';
import { type Detection, findDetections } from '../../src/graph/evaluation/detections.ts';
import { outputRoles } from '../../src/graph/evaluation/output-roles.ts';
import { type FloatTensor, openSession } from '../../src/graph/inference/session.ts';
import { isPlugin } from '../../src/graph/plugins/plugin-nodes.ts';
import { buildGraphFor } from '../../src/graph/precision/precision.ts';
import { architectures } from '../../src/ground/contract/architectures.ts';
import type { Backend } from '../../src/ground/contract/backends.ts';
import { agreementOf } from '../builders/agreement.ts';
import { calibrateOn } from '../builders/calibrated.ts';
import { collect } from '../builders/collected.ts';
import { graphRequest } from '../builders/graph-request.ts';
import { rename, withRenamedOutputs } from '../builders/renamed.ts';
import { type DetectorName, detectorFile, detectorNames, scenesFolder } from '../models/models.ts';

type Truth = { readonly class: 'brick' | 'coin'; readonly box: readonly [number, number, number, number] };
const truths = JSON.parse(readFileSync(join(scenesFolder, 'truths.json'), 'utf8')) as Record<string, Truth[]>;
const scenes = Object.keys(truths).map((name) => join(scenesFolder, name));

type Outputs = Readonly<Record<string, FloatTensor>>;
type Subject = {
  readonly opened: OpenedModel;
  /** The scenes, eight at a time. */
  readonly batches: readonly Batch[];
  /** Detections of the float model. */
  readonly float: readonly Outputs[];
};

/** Data of several tests, read, decoded and computed once. */
const aSubject = async (name: DetectorName): Promise<Subject> => {
  const opened = await openModel({ path: detectorFile(name), key: 'none', architecture: name });
  const batches = await collect(imageBatches(scenes, { ...pixelsOf(opened), batchSize: 8 }));
  const wanted = graphRequest('OnnxRuntime', 'fp32');
  return { opened, batches, float: await outputsOn(buildGraphFor(opened.model, wanted), name, batches) };
};

const outputsOn = async (model: ModelProto, name: DetectorName, batches: readonly Batch[]) => {
  const session = await openSession(serializeModel(model));
  const found: Outputs[] = [];
  for (const { data, dims } of batches)
    found.push(await session.run({ [architectures[name].input]: { data, dims } }));
  await session.release();
  return found;
};

const subjects = new Map(detectorNames.map((name) => [name, aSubject(name)]));
const subjectOf = (name: DetectorName): Promise<Subject> => subjects.get(name)!;

/** Labels as the module counts them: background is first for the SSDs, last for faster_rcnn, and none for yolo. */
const classOf = (name: DetectorName, label: number): string | undefined =>
  ['brick', 'coin'][name === 'yolo' || name === 'faster_rcnn' ? label : label - 1];

const overlaps = (box: Float32Array, [left, top, right, bottom]: Truth['box']): boolean => {
  const [x1, y1, x2, y2] = [box[0]! * 192, box[1]! * 160, box[2]! * 192, box[3]! * 160];
  const shared =
    Math.max(0, Math.min(x2, right) - Math.max(x1, left)) *
    Math.max(0, Math.min(y2, bottom) - Math.max(y1, top));
  return shared / ((x2 - x1) * (y2 - y1) + (right - left) * (bottom - top) - shared) >= 0.5;
};

const rightOnes = (name: DetectorName, images: readonly (readonly Detection[])[]) => {
  let [right, found, wanted] = [0, 0, 0];
  for (const [i, boxes] of images.entries()) {
    const sure = boxes.filter(({ score }) => score >= 0.5);
    const truth = truths[Object.keys(truths)[i]!]!;
    const hits = truth.filter((each) =>
      sure.some(({ label, box }) => classOf(name, label) === each.class && overlaps(box, each.box)),
    );
    [right, found, wanted] = [right + hits.length, found + sure.length, wanted + truth.length];
  }
  return { precision: right / found, recall: right / wanted };
};

const finds = test.macro<[DetectorName]>({
  title: (_, name) => `${name} finds bricks and coins, in batches of eight`,
  exec: async (t, name) => {
    const { float } = await subjectOf(name);
    const { precision, recall } = rightOnes(
      name,
      float.flatMap((each) => findDetections(each)!.images),
    );
    t.log(`precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}`);
    t.true(precision > 0.5 && recall > 0.6, `${precision}, ${recall}`);
  },
});

/** Measured, in decibel, minus one. */
const leastDb: Readonly<Record<DetectorName, { readonly half: number; readonly int8: number }>> = {
  ssd: { half: 31, int8: 29.5 },
  dssd: { half: 42.6, int8: 28.7 },
  retinanet: { half: 70.4, int8: 36 },
  yolo: { half: 68.8, int8: 41.6 },
  faster_rcnn: { half: 64.5, int8: 27.1 },
};

const inHalf = test.macro<[DetectorName]>({
  title: (_, name) => `${name} in fp16 finds the same boxes`,
  exec: async (t, name) => {
    const { opened, batches, float } = await subjectOf(name);
    const wanted = graphRequest('OnnxRuntime', 'fp16');
    const [half] = await outputsOn(buildGraphFor(opened.model, wanted), name, batches.slice(0, 1));
    const { sqnrDb, boxes, matchedBoxes } = agreementOf(float[0]!, half!, batches[0]!.paths.length);
    t.log(`${sqnrDb.toFixed(1)} dB over pairs of ${boxes} boxes`);
    t.true(
      sqnrDb > leastDb[name].half && boxes > 10 && matchedBoxes! > 0.95,
      `${sqnrDb} dB, ${matchedBoxes} of ${boxes}`,
    );
  },
});

const inInt8 = test.macro<[DetectorName]>({
  title: (_, name) => `${name} is calibrated completely, and finds nearly the same boxes in int8`,
  exec: async (t, name) => {
    const { opened: model } = await subjectOf(name);
    const source = { kind: 'Images', folder: scenesFolder } as const;
    const { scales, heldOut } = await calibrateOn(model, { source, batchSize: 6, algorithm: 'Mse' });
    const { node } = graphOf(model.model);
    const made = new Set(node.filter(isPlugin).flatMap(({ output }) => output));
    const read = node
      .filter(({ opType }) => opType === 'Conv' || opType === 'Gemm')
      .map(({ input }) => input[0]!);
    t.deepEqual(
      read.filter((each) => !scales.has(each)),
      [],
      'whatever is computed in int8 has a scale',
    );
    t.deepEqual(
      model.outputs.filter((each) => scales.has(each)),
      [],
      'detections have none',
    );
    t.is(
      [...made].some((each) => scales.has(each)),
      name === 'faster_rcnn',
      'proposals and their cuts have',
    );
    const { sqnrDb, matchedBoxes, boxes } = await measureInt8Agreement(model, scales, {
      batches: batchHeldOut(model, heldOut)!,
    });
    t.log(`${sqnrDb.toFixed(1)} dB, ${(matchedBoxes! * 100).toFixed(0)} % of ${boxes} boxes`);
    t.true(
      sqnrDb > leastDb[name].int8 && boxes > 12 && matchedBoxes! > 0.95,
      `${sqnrDb} dB, ${matchedBoxes} of ${boxes}`,
    );
  },
});

for (const name of ['faster_rcnn', 'ssd', 'yolo'] as const)
  test(`boxes of ${name} are paired under other names too`, async (t) => {
    const { opened, batches, float } = await subjectOf(name);
    const [outputs, images] = [float[0]!, batches[0]!.paths.length];
    const otherNames = Object.fromEntries(
      Object.entries(outputs).map(([key, value]) => [rename(key), value]),
    );
    const sum = new AgreementSum(outputRoles(withRenamedOutputs(opened.model)));
    sum.add(otherNames, otherNames, images);
    const { boxes, matchedBoxes } = sum.agreement();
    t.true(boxes > 10, `${boxes} boxes`);
    t.is(matchedBoxes, 1);
    t.is(boxes, agreementOf(outputs, outputs, images).boxes);
  });

test('graphs for TensorRT keep plugin nodes in float; graphs for other backends have none', async (t) => {
  const { model } = (await subjectOf('faster_rcnn')).opened;
  const graphFor = (backend: Backend) => graphOf(buildGraphFor(model, graphRequest(backend, 'fp16'))).node;
  const kept = graphFor('TensorRt');
  const plugins = kept.filter(isPlugin);
  t.deepEqual(
    plugins.map(({ opType }) => opType),
    ['ProposalDynamic', 'CropAndResizeDynamic', 'NMSDynamic_TRT'],
  );
  const casts = new Set(
    kept.filter((node) => intOf(node, 'to', 0) === elementType.float32).flatMap(({ output }) => output),
  );
  const made = plugins.flatMap(({ output }) => output);
  for (const name of plugins.flatMap(({ input }) => input))
    t.true(casts.has(name) || made.includes(name), name);
  for (const backend of ['OnnxRuntime', 'TensorRtRtx'] as const) t.false(graphFor(backend).some(isPlugin));
  t.false(graphFor('TensorRtRtx').some(({ opType }) => opType === 'NonMaxSuppression'));
});

for (const name of detectorNames) {
  test(finds, name);
  test(inHalf, name);
  test(inInt8, name);
}
