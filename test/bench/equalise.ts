/**
 * `npm run bench:equalise`: what equalised channels gain in int8 by TensorRT's rules (one symmetric scale a tensor, one a
 * channel of a weight), on the models of the collection with depthwise convolutions and on TLT's backbones. 32 images
 * calibrate, 32 others compare; `-- NAME` selects models.
 */
import process from 'node:process';
import { scalesOf } from '../../src/calibration/histograms/statistics.ts';
import type { OpenedModel } from '../../src/export/models/open-model.ts';
import { openSource } from '../../src/export/pipeline/calibration-source.ts';
import { measureChannelRanges } from '../../src/export/pipeline/channel-ranges.ts';
import { type Calibrated, calibrate } from '../../src/export/pipeline/export.ts';
import { batchHeldOut, measureInt8Agreement } from '../../src/export/pipeline/verify-int8.ts';
import { equaliseChannels, listEqualisable } from '../../src/graph/transforms/equalise/equalise.ts';
import { nobodyWatches } from '../builders/calibrated.ts';
import { type CollectedModel, models } from '../collection/models.ts';
import { folderOf, openCollected } from '../collection/opened.ts';
import { backbones, blazeFaces } from './more-models.ts';

const algorithms = ['Entropy', 'MinMax'] as const;

const sampling = { batches: 4, batchSize: 8, seed: 42, tensorRtVersion: '8.6.1', reported: true } as const;

const rowOf = async (collected: CollectedModel): Promise<string | undefined> => {
  const opened = await openCollected(collected);
  const tensors = listEqualisable(opened.model);
  if (listEqualisable(opened.model, 'Depthwise').size === 0) return undefined;
  const source = { kind: 'Images', folder: await folderOf(collected.pictures ?? 'photos') } as const;
  const request = { ...sampling, source, algorithm: algorithms[0] };
  const plain = await calibrate(opened, { request, watch: nobodyWatches });
  const { signal } = nobodyWatches;
  const started = performance.now();
  const { batches } = await openSource(opened, { ...request, rows: opened.fixedBatch ?? 1, signal });
  const ranges = await measureChannelRanges(opened.model, { tensors, input: opened.input, batches, signal });
  const seconds = (performance.now() - started) / 1000;
  const figures = [await decibels(opened, plain.statistics, plain)];
  const counts: string[] = [];
  for (const readers of ['Depthwise', 'All'] as const) {
    const { model, layers, nodes } = equaliseChannels(opened.model, ranges, readers);
    counts.push(`${layers} (${nodes})`);
    const equalised = { ...opened, model };
    const after = await calibrate(equalised, { request, watch: nobodyWatches });
    figures.push(await decibels(equalised, after.statistics, plain));
  }
  const found = algorithms.map((_, i) => figures.map((each) => each[i]!.toFixed(1)).join(' → '));
  return [collected.title, ...counts, ...found, seconds.toFixed(1)].join(' | ');
};

/** SQNR over all outputs on the held-out images, by algorithm. */
const decibels = async (
  opened: OpenedModel,
  statistics: Calibrated['statistics'],
  { heldOut }: Calibrated,
): Promise<readonly number[]> => {
  const found: number[] = [];
  for (const algorithm of algorithms) {
    const batches = batchHeldOut(opened, heldOut)!;
    found.push((await measureInt8Agreement(opened, scalesOf(statistics, algorithm), { batches })).sqnrDb);
  }
  return found;
};

const heads = ['model', 'depthwise (nodes added)', 'all (nodes added)', ...algorithms, 's for ranges'];
const say = (line: string) => process.stdout.write(`| ${line} |\n`);
say(heads.join(' | '));
say(heads.map(() => '---').join(' | '));
const only = process.argv[2] ?? '';
for (const each of [...backbones, ...blazeFaces, ...models]) {
  if (!each.title.includes(only)) continue;
  try {
    const row = await rowOf(each);
    if (row !== undefined) say(row);
  } catch (thrown) {
    say(`${each.title} | ${(thrown as Error).message}`);
  }
}
