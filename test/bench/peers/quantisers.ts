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

/** `tlt-export` in int8 with report and engine, compiled: decodes the images, writes `.etlt` and cache, and measures the engine. */
const ours = (flags: readonly string[]): Quantiser['quantise'] => {
  return async ({ of, folder, pictures }, target) => {
    const at = (name: string) => join(folder, `ours-${name}`);
    for (const name of ['m.etlt', 'cal.bin', 'r.html', 'r.json']) rmSync(at(name), { force: true });
    writeFileSync(at('key'), 'k');
    const { batches, batchSize, seed } = sampling;
    const words = [
      ...['classification', '-m', await of.file(), '--key_file', at('key'), '-o', at('m.etlt')],
      ...(of.flags ?? []),
      ...['--data_type', 'int8', '--cal_image_dir', pictures, '--cal_cache_file', at('cal.bin')],
      ...['--batches', `${batches}`, '--batch_size', `${batchSize}`, '--seed', `${seed}`],
      ...['--report', at('r.html'), '--engine_file', target, ...flags],
    ];
    const hook = ['--import', join(import.meta.dirname, 'usage-file.ts')];
    const env = { ...asInTheImage, USAGE_FILE: at('usage') };
    const command = [...hook, join(root, 'dist', 'tlt-export.js'), ...words];
    const { seconds } = await timed(() => run(process.execPath, command, { env }));
    return { seconds, ...(JSON.parse(readFileSync(at('usage'), 'utf8')) as Omit<Spent, 'seconds'>) };
  };
};

/** They read decoded images, and write no report. */
const peer = (tool: 'MinMax' | 'Percentile' | 'NNCF'): Quantiser['quantise'] => {
  return async ({ opened, source, calibration }, target) => {
    const script = join(import.meta.dirname, 'quantise.py');
    const words = [script, tool, source, target, opened.input, ...calibration];
    const python = await peerPython(import.meta.dirname);
    const { seconds, value } = await timed(() => run(python, words, { env: noReports }));
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
