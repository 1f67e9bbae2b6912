/**
 * `npm run bench:parts`: the pods of `calibration.parallelism`, as worker processes that are each bound to one processor: one of
 * them for all images, and two for a half each. Both include the start of Node.js and opening the model. Afterwards: what
 * adding the histograms of many parts costs the export pod. The table is Markdown; docs/sizing.md has the figures.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { HistogramSum } from '../../src/calibration/histograms/merged-histograms.ts';
import { parseHistogramFile } from '../../src/formats/scales/histogram-file.ts';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import { photosFolder } from '../photos/photos.ts';
import { cases } from './cases.ts';
import { compile, machine, median } from './measure.ts';
import { runWorker } from './worker-process.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '3' }, images: { type: 'string', default: '64' } },
});
const images = Number(values.images);
const folder = mkdtempSync(join(tmpdir(), 'tlt-bench-parts-'));
const claims = join(folder, 'claims');
const output = join(claims, 'exports', 'histograms');

const layOut = async (): Promise<void> => {
  mkdirSync(join(claims, 'models', 'photos'), { recursive: true });
  mkdirSync(join(claims, 'exports'));
  copyFileSync(await cases.detector.file(), join(claims, 'models', 'm.onnx'));
  const photos = await photosFolder();
  const names = readdirSync(photos).sort();
  for (let i = 0; i < images; i++) {
    const from = join(photos, names[i % names.length]!);
    copyFileSync(from, join(claims, 'models', 'photos', `${String(i).padStart(5, '0')}.jpg`));
  }
};

const taskOf = (of: number): ExportTask => ({
  architecture: 'classification',
  model: { uri: 'pvc://models/m.onnx', inputDims: { channels: 3, height: 640, width: 640 } },
  dataType: 'int8',
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: 'pvc://models/photos' },
    batches: 1,
    batchSize: images,
    algorithm: 'Entropy',
  },
  forcePtq: false,
  exportKey: 'k',
  histograms: 'pvc://exports/histograms/h.hist',
  parts: { of, folder: 'pvc://exports/histograms/h' },
  folder: 'pvc://exports/k',
});

type Measured = {
  /** Until all pods have ended. */
  readonly seconds: number;
  /** Processor time of the pod that took most: other work on the machine affects it least. */
  readonly processorSeconds: number;
};

const measure = async (of: number): Promise<Measured> => {
  rmSync(output, { recursive: true, force: true });
  const startedMs = performance.now();
  const command = { command: 'count', task: taskOf(of), claims } as const;
  const pods = Array.from({ length: of }, (_, index) => runWorker(folder, { ...command, index }));
  const used = (await Promise.all(pods)).map(({ processorSeconds }) => processorSeconds);
  return { seconds: (performance.now() - startedMs) / 1000, processorSeconds: Math.max(...used) };
};

const summarise = (all: readonly Measured[]): Measured => ({
  seconds: median(all.map(({ seconds }) => seconds)),
  processorSeconds: median(all.map(({ processorSeconds }) => processorSeconds)),
});

const rowOf = (title: string, own: Measured, first: Measured): string => {
  const gain = (first.seconds / own.seconds).toFixed(2);
  const processorGain = (first.processorSeconds / own.processorSeconds).toFixed(2);
  return `| ${title} | ${own.seconds.toFixed(2)} | ${gain} | ${own.processorSeconds.toFixed(2)} | ${processorGain} |\n`;
};

/** What the export pod does for each part: read, parse, add. Each part has other images, so the same file stands for each. */
const measureAdding = (parts: number): string => {
  const bytes = readFileSync(join(output, 'h', '1-of-2.hist'));
  const startedMs = performance.now();
  let sum: HistogramSum | undefined;
  for (let part = 1; part <= parts; part++) {
    const content = parseHistogramFile(bytes);
    const samples = content.samples.map((sample) => ({ ...sample, part, of: parts }));
    const file = { name: String(part), content: { ...content, samples } };
    if (sum) sum.add(file);
    else sum = new HistogramSum(file);
  }
  const tensors = sum!.content.histograms.size;
  const seconds = (performance.now() - startedMs) / 1000;
  return `| ${parts} | ${tensors} | ${(bytes.length / 1000).toFixed(0)} | ${seconds.toFixed(2)} | ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} |`;
};

try {
  await compile();
  await layOut();
  const title = `${cases.detector.title}, ${images} images`;
  process.stdout.write(
    `${machine()}\n\n| ${title} | s | × | processor s | × |\n| --- | --- | --- | --- | --- |\n`,
  );
  const [one, two]: [Measured[], Measured[]] = [[], []];
  for (let turn = 0; turn < Number(values.runs); turn++) {
    one.push(await measure(1));
    two.push(await measure(2));
  }
  process.stdout.write(rowOf('one pod on one processor', summarise(one), summarise(one)));
  process.stdout.write(rowOf('two pods on one each', summarise(two), summarise(one)));
  process.stdout.write(
    '\n| parts added | tensors | kB each | s | MiB of the process |\n| --- | --- | --- | --- | --- |\n',
  );
  for (const parts of [2, 10, 50]) process.stdout.write(`${measureAdding(parts)}\n`);
  process.stdout.write(`${machine()}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
