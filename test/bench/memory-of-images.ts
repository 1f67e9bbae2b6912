/**
 * Measures peak memory of the tools by number of images: `node test/bench/memory-of-images.ts [64 1024]`. Each run is a
 * process; its peak is ru_maxrss of the kernel, threads included.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { modelFile } from '../models/models.ts';
import { photosFolder } from '../photos/photos.ts';
import { asInTheImage } from './measure.ts';

const root = join(import.meta.dirname, '..', '..');
const batchSize = 8;

/** Creates `train/a/*.jpg` with this many links to the photos, and the spec of a training at 3×160×256. */
const aTraining = async (images: number): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-memory-'));
  const photos = await photosFolder();
  const names = readdirSync(photos).filter((name) => name.endsWith('.jpg'));
  mkdirSync(join(folder, 'train', 'a'), { recursive: true });
  for (let i = 0; i < images; i++)
    symlinkSync(join(photos, names[i % names.length]!), join(folder, 'train', 'a', `${i}.jpg`));
  const train = `train_dataset_path: "train" batch_size_per_gpu: ${batchSize}`;
  const spec = `model_config { arch: "resnet" input_image_size: "3,160,256" } train_config { ${train} }`;
  writeFileSync(join(folder, 'spec.txt'), spec);
  return folder;
};

/** The tool prints its peak on the last line of standard error. */
const tellPeak = `data:text/javascript,process.on('exit',()=>process.stderr.write('maxRSS='+process.resourceUsage().maxRSS))`;

type Peak = { readonly mebibytes: number; readonly seconds: number };

const peakOf = (tool: string, args: readonly string[], cwd: string): Promise<Peak> =>
  new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, ['--import', tellPeak, join(root, 'src', `${tool}.ts`), ...args], {
      cwd,
      env: { ...process.env, ...asInTheImage },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const kibibytes = Number(/maxRSS=(\d+)$/.exec(stderr)?.[1]);
      if (code !== 0) reject(new Error(stderr));
      else resolve({ mebibytes: kibibytes / 1024, seconds: (performance.now() - started) / 1000 });
    });
  });

const runs = (images: number): Readonly<Record<string, readonly [string, readonly string[]]>> => {
  const batches = String(images / batchSize);
  const size = ['--batches', batches, '--batch_size', String(batchSize)];
  const int8 = ['detectnet_v2', '-m', modelFile('detectnet_v2'), '-k', 'k', '--data_type', 'int8', ...size];
  const spec = ['-e', 'spec.txt', '-o', 'c.tensor', '-m', batches];
  return {
    'tlt-int8-tensorfile': ['tlt-int8-tensorfile', ['classification', ...spec]],
    'tlt-export --cal_data_file': [
      'tlt-export',
      [...int8, '--cal_data_file', 'c.tensor', '-o', 'a.etlt', '--cal_cache_file', 'a.bin'],
    ],
    'tlt-export --cal_image_dir': [
      'tlt-export',
      [...int8, '--cal_image_dir', 'train/a', '-o', 'b.etlt', '--cal_cache_file', 'b.bin'],
    ],
  };
};

for (const images of process.argv.length > 2 ? process.argv.slice(2).map(Number) : [64, 1024]) {
  const folder = await aTraining(images);
  try {
    for (const [name, [tool, args]] of Object.entries(runs(images))) {
      const { mebibytes, seconds } = await peakOf(tool, args, folder);
      process.stdout.write(
        `${name.padEnd(28)} ${String(images).padStart(5)} images ${mebibytes.toFixed(0).padStart(6)} MiB ${seconds.toFixed(1).padStart(7)} s\n`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
