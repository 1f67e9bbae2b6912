/**
 * `npm run bench`: compares calibration with onnxruntime's own calibrators, on the same images, decoding included.
 * `-- --runs 1` is fast. `-- --slow` adds one run of each row that takes minutes: the peer's entropy search with 2,048 bins, its
 * entropy for the detector, which needs 12 GB, and ours for 10,000 images.
 * The table is Markdown; docs/benchmarks.md has the figures of a quiet machine.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { photosFolder } from '../photos/photos.ts';
import { type Case, cases, taskOf } from './cases.ts';
import { type Contestant, compile, measureInTurns, ours, peer, type Result } from './measure.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, slow: { type: 'boolean', default: false } },
});
const runs = Number(values.runs);

const folder = await photosFolder();
const photos = readdirSync(folder)
  .sort()
  .map((name) => join(folder, name));
const firstPhotos = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => photos[i % photos.length]!);

type Size = { readonly images: number; readonly peerBatch: number };

const contestantsOf = async (each: Case, { images, peerBatch }: Size): Promise<readonly Contestant[]> => {
  const task = await taskOf(each, firstPhotos(images));
  const batch = String(peerBatch);
  const isSmall = each === cases.resnet;
  const entropy = {
    title: 'onnxruntime, entropy, default settings',
    measure: peer(task, ['Entropy', batch]),
    once: !isSmall,
  };
  const trueKl = {
    title: 'onnxruntime, entropy, 2,048 bins',
    measure: peer(task, ['Entropy', batch, '2048']),
    once: true,
  };
  return [
    { title: 'ours, all five methods', measure: ours('pass', task) },
    { title: 'ours, one thread', measure: ours('pass', { ...task, threads: 1 }), once: true },
    { title: 'onnxruntime, min-max', measure: peer(task, ['MinMax', batch]) },
    ...(isSmall || values.slow ? [entropy] : []),
    ...(values.slow && isSmall ? [trueKl] : []),
    { title: 'lower bound: the network alone', measure: ours('float-network', task) },
  ];
};

const tableOf = (title: string, results: readonly Result[]): string => {
  const [first] = results;
  const rows = results.map(({ title: name, median, runs: count }) => {
    const times = (median.seconds / first!.median.seconds).toFixed(2);
    const { seconds, processorSeconds, mebibytes } = median;
    return `| ${name} | ${seconds.toFixed(2)} | ${times} | ${processorSeconds.toFixed(2)} | ${mebibytes.toFixed(0)} | ${count} |`;
  });
  return [
    `| ${title} | s | × ours | processor s | peak MiB | runs |`,
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
};

const machine = (): string =>
  `${availableParallelism()} processors (${cpus()[0]!.model.trim()}), load ${loadavg()[0]!.toFixed(1)}, node ${process.version}`;

await compile();
process.stdout.write(`${machine()}\n`);
const sizes = [
  [cases.resnet, { images: 32, peerBatch: 4 }],
  [cases.detector, { images: 16, peerBatch: 1 }],
] as const;
for (const [each, size] of sizes) {
  const results = await measureInTurns(await contestantsOf(each, size), runs);
  process.stdout.write(`\n${tableOf(`${each.title}, ${size.images} images`, results)}\n`);
}
const manyImages = async (each: Case, images: number): Promise<Contestant> => ({
  title: `ours, ${images} images`,
  measure: ours('pass', await taskOf(each, firstPhotos(images))),
  once: true,
});
const growing = [
  [cases.resnet, [512]],
  [cases.orientation, values.slow ? [1_000, 10_000] : [1_000]],
] as const;
for (const [each, counts] of growing) {
  const contestants = await Promise.all(counts.map((images) => manyImages(each, images)));
  process.stdout.write(`\n${tableOf(`${each.title}, many images`, await measureInTurns(contestants, 1))}\n`);
}
process.stdout.write(`${machine()}\n`);
