/** Ours and other quantisers, each as a whole process from files to a file, on the same model and images. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
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
  /** From the start of the program to its end. */
  readonly seconds: number;
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

const ours = (flags: readonly string[]): Quantiser['quantise'] => {
  return async (trial, target) => {
    const { program, words } = await exportCommand(trial, target);
    const usage = join(trial.folder, 'ours-usage');
    const hook = ['--import', join(import.meta.dirname, 'usage-file.ts')];
    const env = { ...asInTheImage, USAGE_FILE: usage };
    const { seconds } = await timed(() => run(program, [...hook, ...words, ...flags], { env }));
    return { seconds, ...(JSON.parse(readFileSync(usage, 'utf8')) as Omit<Spent, 'seconds'>) };
  };
};

type PeerTool = 'MinMax' | 'Percentile' | 'NNCF';

/** They read decoded images, and write no report. */
export const peerCommand = async (
  tool: PeerTool,
  { opened, source, calibration }: Trial,
  target: string,
): Promise<Command> => ({
  program: await peerPython(import.meta.dirname),
  words: [join(import.meta.dirname, 'quantise.py'), tool, source, target, opened.input, ...calibration],
});

const peer = (tool: PeerTool): Quantiser['quantise'] => {
  return async (trial, target) => {
    const { program, words } = await peerCommand(tool, trial, target);
    const { seconds, value } = await timed(() => run(program, words, { env: noReports }));
    return { seconds, ...(JSON.parse(value.trim().split('\n').at(-1)!) as Omit<Spent, 'seconds'>) };
  };
};

const timed = async <T>(work: () => Promise<T>): Promise<{ readonly seconds: number; readonly value: T }> => {
  const started = performance.now();
  const value = await work();
  return { seconds: (performance.now() - started) / 1000, value };
};

export const quantisers: readonly Quantiser[] = [
  { title: 'ours', quantise: ours([]) },
  { title: 'ours, --equalize auto', quantise: ours(['--equalize', 'auto']) },
  { title: 'onnxruntime MinMax', quantise: peer('MinMax') },
  { title: 'onnxruntime Percentile', quantise: peer('Percentile') },
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
