/** What earlier runs of the tools left for the examples of `tlt-model`. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../builders/tool.ts';

const tensorfile = join(import.meta.dirname, '..', 'tlt-model', 'tensorfile.h5');

/** Writes `cal.bin`, `calibration.tensor` and `2.hist`, of the folder's `model.onnx` and `images`. */
export const makeParts = async (cwd: string): Promise<void> => {
  copyFileSync(tensorfile, join(cwd, 'calibration.tensor'));
  const int8 = ['--data_type', 'int8', '--cal_image_dir', 'images'];
  await runExport(cwd, [...int8, '--cal_part', '2/2', '--cal_histogram_file', '2.hist']);
  const cache = ['--cal_cache_file', 'cal.bin', '--cal_algorithm', 'MinMax', '-o', 'made.etlt'];
  await runExport(cwd, [...int8, '--batches', '1', '--batch_size', '4', ...cache]);
  rmSync(join(cwd, 'made.etlt'));
};

const runExport = async (cwd: string, args: readonly string[]): Promise<void> => {
  const model = ['classification', '-m', 'model.onnx', '--key_file', 'key.txt'];
  const { code, stderr } = await runTool('tlt-export', [...model, ...args], { cwd });
  if (code !== 0) throw new Error(stderr);
};
