/** `tlt-int8-tensorfile`: a training's spec → a tensorfile of its images. It appears whole or not at all. */

import type { Batch } from '../../data/preprocessing/batches.ts';
import { openSample, writeSample } from '../../export/pipeline/training-sample.ts';
import { refuseToOverwrite, requireWritableFolder } from '../../ground/base/whole-file.ts';
import type { TensorfileModule, TensorfileValues } from '../../ground/contract/flags.ts';
import { tensorfileProgram } from '../../ground/contract/programs.ts';
import { parseCommandLine } from '../cli/command-line.ts';
import { type NamedTraining, readNamedTraining } from './named-training.ts';
import type { ToolWorld } from './tool-world.ts';

/** @throws UserError with the reason that becomes the exit status */
export const runTensorfileCommand = async (argv: readonly string[], world: ToolWorld): Promise<void> => {
  const line = parseCommandLine(tensorfileProgram, argv);
  if (line.help !== undefined) return world.print(line.help);
  const started = world.clock.now();
  const { values } = line;
  await refuseToOverwrite(values.output_path);
  await requireWritableFolder(values.output_path);
  world.log('INFO', `Loading experiment spec at ${values.experiment_spec_file}`);
  const training = await readNamedTraining({
    file: values.experiment_spec_file,
    architecture: line.operands[0] as TensorfileModule,
    values,
    world,
  });
  await sample(training, values, world);
  const seconds = (world.clock.now() - started) / 1000;
  world.log('INFO', `Time taken to run tlt-int8-tensorfile: ${durationText(seconds)}.`);
};

const sample = async (training: NamedTraining, values: TensorfileValues, world: ToolWorld): Promise<void> => {
  const plan = training.plan();
  world.log('INFO', 'Setting up input generator.');
  const loader = await openSample(plan, {
    seed: values.seed,
    useValidationSet: values.use_validation_set,
    maxBatches: values.max_batches,
    maxBroken: values.max_broken,
    dataRoot: training.dataRoot,
    warn: (message) => world.log('WARNING', message),
  });
  const set = values.use_validation_set ? 'validation' : 'training';
  const found = loader.classes === undefined ? `in the ${set} set` : `belonging to ${loader.classes} classes`;
  world.log('INFO', `Found ${loader.available} images ${found}.`);
  await writeSample(values.output_path, { ...loader, batches: named(loader.batches, world) }, world);
  world.log('INFO', 'Calibration tensorfile written.');
  world.log(
    'INFO',
    `${values.output_path} holds ${values.max_batches} batches of ${plan.batchSize} images: tlt-export --cal_data_file ${values.output_path} --batches ${values.max_batches} --batch_size ${plan.batchSize}`,
  );
};

/** The same batches; what is in each is told to who wants to know. */
async function* named(batches: AsyncIterable<Batch>, { log }: ToolWorld): AsyncGenerator<Batch> {
  let number = 0;
  for await (const batch of batches) {
    log('DEBUG', `Batch ${number++}: ${batch.paths.join(', ')}`);
    yield batch;
  }
}

/** As Python prints a timedelta. */
const durationText = (seconds: number): string => {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const whole = Math.floor(seconds);
  const rest = (seconds - whole).toFixed(6).slice(2);
  return `${Math.floor(whole / 3600)}:${two((whole / 60) % 60)}:${two(whole % 60)}.${rest}`;
};
