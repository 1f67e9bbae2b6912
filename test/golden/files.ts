/** Golden files: what the tools write for the golden inputs, by name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { batch, kerasNames, keyFile, networkNames, quantisedName, tensorfile } from './inputs.ts';

/** Runs a tool in the folder of the inputs, and throws unless it ends with 0. */
export type RunTool = (
  tool: 'tlt-export' | 'tlt-model' | 'tlt-int8-tensorfile',
  args: readonly string[],
) => Promise<unknown>;

export const algorithms = ['Entropy', 'MinMax', 'Percentile', 'Mse', 'Auto'] as const;

const size = ['--batches', `${batch.batches}`, '--batch_size', `${batch.size}`];
const withKey = ['--key_file', keyFile];

/** Golden name → file in the folder. */
type Files = Record<string, string>;

const calibrate = async (run: RunTool, name: string): Promise<Files> => {
  const histograms = `${name}.hist`;
  const files: Files = { [`histograms of ${name}`]: histograms };
  for (const algorithm of algorithms) {
    const cache = `${name}-${algorithm}.bin`;
    const model = ['classification', '-m', `${name}.onnx`, ...withKey, '-o', `${name}-${algorithm}.etlt`];
    const calibration = ['--data_type', 'int8', '--cal_data_file', tensorfile, ...size];
    const results = [
      '--cal_algorithm',
      algorithm,
      '--cal_cache_file',
      cache,
      '--cal_histogram_file',
      histograms,
    ];
    await run('tlt-export', [...model, ...calibration, ...results]);
    files[`calibration cache of ${name} by ${algorithm}`] = cache;
  }
  return { ...files, ...(await unpack(run, name, `${name}-Entropy.etlt`)) };
};

/** The ciphertext has a random salt; what is golden is the model in it. */
const unpack = async (run: RunTool, name: string, etlt: string): Promise<Files> => {
  const file = `${name}-unpacked.onnx`;
  await run('tlt-model', ['unpack', etlt, '-o', file, ...withKey]);
  return { [`model in the .etlt of ${name}`]: file };
};

const exportKeras = async (run: RunTool, name: string): Promise<Files> => {
  const etlt = `${name}.etlt`;
  await run('tlt-export', ['classification', '-m', `${name}.hdf5`, ...withKey, '-o', etlt]);
  return unpack(run, name, etlt);
};

const exportQuantised = async (run: RunTool): Promise<Files> => {
  const [etlt, cache, json] = ['qat.etlt', 'qat.bin', 'qat.json'];
  const model = ['detectnet_v2', '-m', `${quantisedName}.hdf5`, ...withKey, '-o', etlt];
  await run('tlt-export', [
    ...model,
    '--data_type',
    'int8',
    '--cal_cache_file',
    cache,
    '--cal_json_file',
    json,
  ]);
  return {
    'calibration cache of a QAT model': cache,
    'ranges of a QAT model': json,
    ...(await unpack(run, quantisedName, etlt)),
  };
};

const sample = async (run: RunTool): Promise<Files> => {
  const files: Files = {};
  for (const set of ['training', 'validation']) {
    const file = `${set}.tensor`;
    const flags = set === 'training' ? [] : ['--use_validation_set'];
    await run('tlt-int8-tensorfile', ['classification', '-e', 'spec.txt', '-m', '2', '-o', file, ...flags]);
    files[`tensorfile of ${set} images`] = file;
  }
  return files;
};

/** Runs the tools over the inputs in `folder`; golden name → bytes of the file. */
export const goldenFiles = async (
  folder: string,
  run: RunTool,
): Promise<Readonly<Record<string, Uint8Array>>> => {
  const files: Files = {};
  for (const name of networkNames) Object.assign(files, await calibrate(run, name));
  for (const name of kerasNames) Object.assign(files, await exportKeras(run, name));
  Object.assign(files, await exportQuantised(run), await sample(run));
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [name, readFileSync(join(folder, file))]),
  );
};
