/**
 * `npm run bench:s3`: the export container as a process, from and to a folder and from and to an S3 server on this machine, in
 * turns; then its memory with 1,000 and 10,000 images in the bucket, of which it reads 512. The tables are Markdown;
 * docs/benchmarks.md has the figures.
 */
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import { credentialsFolder, settingsOf } from '../builders/s3-store.ts';
import { cached } from '../cluster/cache.ts';
import { photosFolder } from '../photos/photos.ts';
import { startS3Server } from '../storage/s3-server.ts';
import { cases } from './cases.ts';
import { compile, type Measured, machine, measureInTurns } from './measure.ts';
import { runWorker } from './worker-process.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    images: { type: 'string', default: '64' },
    network: { type: 'string', default: 'detector' },
    /** Images in the bucket, of which 512 are read. */
    folders: { type: 'string', default: '1000,10000' },
    'folder-runs': { type: 'string', default: '3' },
  },
});

/** 120 JPEG files of about 100 kB. */
const largePhotos = (): Promise<string> =>
  cached('photos-100kB-v1', async (folder) => {
    mkdirSync(folder, { recursive: true });
    const photos = await photosFolder();
    for (const name of readdirSync(photos))
      await sharp(join(photos, name))
        .resize({ width: 800, height: 800, fit: 'fill' })
        .jpeg({ quality: 92 })
        .toFile(join(folder, name));
  });

const work = mkdtempSync(join(tmpdir(), 'tlt-bench-s3-'));
const claims = join(work, 'claims');
await compile();
const server = await startS3Server({ buckets: ['models', 'exports'] });
const credentials = credentialsFolder();

/** A folder of `count` images in claim and bucket: links to the same files. */
const layOutImages = async (count: number): Promise<void> => {
  const photos = await largePhotos();
  const names = readdirSync(photos).sort();
  for (const target of [join(claims, 'models'), server.at('models')]) {
    mkdirSync(join(target, String(count)), { recursive: true });
    for (const name of names) copyFileSync(join(photos, name), join(target, name));
    for (let i = 0; i < count; i++)
      linkSync(join(target, names[i % names.length]!), join(target, String(count), `${i}.jpg`));
  }
};

const s3 = settingsOf(server.url);

type Export = {
  readonly network: keyof typeof cases;
  readonly folder: number;
  readonly images: number;
};

let exports = 0;

/** A new export, so that nothing stored is used again. */
const runExport = async (scheme: 'pvc' | 's3', { network, folder, images }: Export): Promise<Measured> => {
  const output = `${scheme}://exports/${++exports}`;
  const { height, width } = cases[network];
  const task: ExportTask = {
    architecture: 'classification',
    model: { uri: `${scheme}://models/${network}.onnx`, inputDims: { channels: 3, height, width } },
    dataType: 'int8',
    calibration: {
      source: 'ImageDirectory',
      imageDirectory: { uri: `${scheme}://models/${folder}` },
      batches: images / 8,
      batchSize: 8,
      algorithm: 'Entropy',
    },
    forcePtq: false,
    exportKey: 'k',
    histograms: `${output}/histograms/h.hist`,
    folder: `${output}/k`,
    ...(scheme === 's3' && { s3 }),
  };
  return runWorker(work, { command: 'export', task, claims, credentials });
};

const row = (...cells: readonly (string | number)[]): void =>
  void process.stdout.write(`| ${cells.join(' | ')} |\n`);

const measureRatio = async (): Promise<void> => {
  const images = Number(values.images);
  await layOutImages(images);
  const network = values.network === 'orientation' ? 'orientation' : 'detector';
  const one = { network, folder: images, images } as const;
  const contestants = (['pvc', 's3'] as const).map((scheme) => ({
    title: scheme === 'pvc' ? 'a folder' : 'an S3 server',
    measure: () => runExport(scheme, one),
  }));
  row(`from and to: ${cases[network].title}, ${images} images`, 's', '×', 'processor s', 'MiB');
  row('---', '---', '---', '---', '---');
  const results = await measureInTurns(contestants, Number(values.runs));
  for (const { title, median } of results) {
    const ratio = median.seconds / results[0]!.median.seconds;
    row(
      title,
      median.seconds.toFixed(2),
      ratio.toFixed(3),
      median.processorSeconds.toFixed(2),
      median.mebibytes.toFixed(0),
    );
  }
};

const measureMemory = async (): Promise<void> => {
  const contestants = values.folders.split(',').map((count) => ({
    title: count,
    measure: () => runExport('s3', { network: 'orientation', folder: Number(count), images: 512 }),
  }));
  for (const { title } of contestants) await layOutImages(Number(title));
  row('images in the bucket', 'images read', 's', 'MiB');
  row('---', '---', '---', '---');
  for (const { title, median } of await measureInTurns(contestants, Number(values['folder-runs'])))
    row(title, 512, median.seconds.toFixed(1), median.mebibytes.toFixed(0));
};

try {
  mkdirSync(join(claims, 'exports'), { recursive: true });
  mkdirSync(join(claims, 'models'));
  for (const network of ['detector', 'orientation'] as const)
    for (const target of [join(claims, 'models'), server.at('models')])
      copyFileSync(await cases[network].file(), join(target, `${network}.onnx`));
  const photos = await largePhotos();
  const sizes = readdirSync(photos).map((name) => statSync(join(photos, name)).size);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  process.stdout.write(`${machine()}; images of ${(mean / 1000).toFixed(0)} kB on average\n\n`);
  if (Number(values.runs) > 0) await measureRatio();
  process.stdout.write('\n');
  await measureMemory();
  process.stdout.write(`\n${machine()}\n`);
} finally {
  await server.stop();
  rmSync(work, { recursive: true, force: true });
}
process.exit(0);
