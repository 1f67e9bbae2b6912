/** Ours and other quantisers, each as a whole process from files to a file, on the same model and images. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { readIntegerTypes } from '../../../src/graph/builders/processor-integers.ts';
import { cached, digestOf } from '../../cluster/cache.ts';
import { run } from '../../cluster/run.ts';
import { noReports, peerPython } from '../../peers/venv.ts';
import { asInTheImage } from '../measure.ts';
import { sampling, type Trial } from './trial.ts';

/** A quantiser of the table. */
export type Quantiser = {
  readonly title: string;
  /** Writes the quantised model to `target`. */
  readonly quantise: (trial: Trial, target: string) => Promise<Spent>;
};

export type Spent = {
  readonly processorSeconds: number;
  readonly mebibytes: number;
};

const root = join(import.meta.dirname, '..', '..', '..');

/** A program and its arguments. */
export type Command = { readonly program: string; readonly words: readonly string[] };

/** `tlt-export` in int8 with report and engine, compiled: decodes the images, writes `.etlt` and cache, and measures the engine. */
export const exportCommand = async ({ of, folder, pictures }: Trial, target: string): Promise<Command> => {
  const at = (name: string) => join(folder, `ours-${name}`);
  for (const name of ['m.etlt', 'cal.bin', 'r.html', 'r.json']) rmSync(at(name), { force: true });
  writeFileSync(at('key'), 'k');
  const { batches, batchSize, seed } = sampling;
  return {
    program: process.execPath,
    words: [
      join(root, 'dist', 'tlt-export.js'),
      ...['classification', '-m', await of.file(), '--key_file', at('key'), '-o', at('m.etlt')],
      ...(of.flags ?? []),
      ...['--data_type', 'int8', '--cal_image_dir', pictures, '--cal_cache_file', at('cal.bin')],
      ...['--batches', `${batches}`, '--batch_size', `${batchSize}`, '--seed', `${seed}`],
      ...['--report', at('r.html'), '--engine_file', target],
    ],
  };
};

const ours: Quantiser['quantise'] = async (trial, target) => {
  const { program, words } = await exportCommand(trial, target);
  const usage = join(trial.folder, 'ours-usage');
  const hook = ['--import', join(import.meta.dirname, 'usage-file.ts')];
  await run(program, [...hook, ...words], { env: { ...asInTheImage, USAGE_FILE: usage } });
  return JSON.parse(readFileSync(usage, 'utf8')) as Spent;
};

type PeerTool = 'MinMax' | 'Percentile' | 'NNCF';

/** They read decoded images unless `images` is the description of photos, and write no report. */
export const peerCommand = async (
  tool: PeerTool,
  { opened, source, calibration }: Trial,
  { target, images = calibration }: { readonly target: string; readonly images?: readonly string[] },
): Promise<Command> => ({
  program: await peerPython(import.meta.dirname),
  words: [join(import.meta.dirname, 'quantise.py'), tool, source, target, opened.input, ...images],
});

/** Requires that the photos become the tensors of the calibration when the peer decodes them. */
export const requireSameTensors = async ({ calibration, photos }: Trial): Promise<void> => {
  const words = [join(import.meta.dirname, 'photos.py'), photos, ...calibration];
  const printed = await run(await peerPython(import.meta.dirname), words);
  const { largestDifference } = JSON.parse(printed) as { largestDifference: number };
  if (largestDifference > roundingOfTensors)
    throw new Error(
      `${photos}: the tensors differ by up to ${largestDifference} from those of the calibration`,
    );
};

/** Differences in the order of float32 operations, in the unit of an input of up to 255. */
const roundingOfTensors = 1e-4;

/** A model quantised by another tool depends on no file of ours, but on the processor, so it is kept with what making it took. */
const peer = (tool: PeerTool): Quantiser['quantise'] => {
  return async (trial, target) => {
    const inputs = [trial.source, ...trial.calibration].map((path) => relative(trial.folder, path));
    const how = `${tool} ${cpus()[0]?.model} ${JSON.stringify(readIntegerTypes())}`;
    const script = digestOf(import.meta.dirname, ['quantise.py', 'photos.py', 'requirements.txt'], how);
    const kept = await cached(`quantised-${digestOf(trial.folder, inputs, script)}`, async (folder) => {
      mkdirSync(folder);
      const { program, words } = await peerCommand(tool, trial, { target: join(folder, 'model.onnx') });
      const printed = await run(program, words, { env: noReports });
      writeFileSync(join(folder, 'spent.json'), printed.trim().split('\n').at(-1)!);
    });
    copyFileSync(join(kept, 'model.onnx'), target);
    return JSON.parse(readFileSync(join(kept, 'spent.json'), 'utf8')) as Spent;
  };
};

/** It keeps the outputs of all nodes for all images: 5.8 GB for a detector at 320². */
const isTooLarge = ({ opened: { height, width } }: Trial): boolean => height * width > 416 ** 2;

const percentile: Quantiser['quantise'] = async (trial, target) => {
  if (isTooLarge(trial)) throw new Error('not run: it would need tens of GB');
  return peer('Percentile')(trial, target);
};

export const quantisers: readonly Quantiser[] = [
  { title: 'ours', quantise: ours },
  { title: 'onnxruntime, min-max', quantise: peer('MinMax') },
  { title: 'onnxruntime, percentile', quantise: percentile },
  { title: 'NNCF', quantise: peer('NNCF') },
];

/** The quantised model, or the last line of the error. */
export const tryQuantiser = async (
  { title, quantise }: Quantiser,
  trial: Trial,
): Promise<{ readonly file: string; readonly spent: Spent } | string> => {
  const file = join(trial.folder, `${title.replaceAll(/\W+/g, '-')}.onnx`);
  if (existsSync(file)) rmSync(file);
  try {
    return { file, spent: await quantise(trial, file) };
  } catch (thrown) {
    return (thrown as Error).message.trim().split('\n').at(-1)!;
  }
};
