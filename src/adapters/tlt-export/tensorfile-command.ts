/** `tlt-int8-tensorfile`: writes a sample of the training's images to a tensorfile, which appears complete or not at all. */
import type { Batch } from '../../data/preprocessing/batches.ts';
import { openSample, writeSample } from '../../export/pipeline/training-sample.ts';
import { refuseToOverwrite, requireWritableFolder } from '../../ground/base/whole-file.ts';
import type { TensorfileModule, TensorfileValues } from '../../ground/contract/flags.ts';
import { tensorfileProgram } from '../../ground/contract/programs.ts';
import { parseCommandLine } from '../cli/command-line.ts';
import type { ToolContext } from '../cli/tool-context.ts';
import { type NamedTraining, readNamedTraining } from './named-training.ts';

/** Runs `tlt-int8-tensorfile` with the arguments after its name. @throws UserError with the reason that determines the exit code */
export const runTensorfileCommand = async (argv: readonly string[], context: ToolContext): Promise<void> => {
  const line = parseCommandLine(tensorfileProgram, argv);
  if (line.help !== undefined) return context.print(line.help);
  const started = context.clock.now();
  const { values } = line;
  await refuseToOverwrite(values.output_path);
  await requireWritableFolder(values.output_path);
  context.log('INFO', `Loading experiment spec at ${values.experiment_spec_file}`);
  const training = await readNamedTraining({
    file: values.experiment_spec_file,
    architecture: line.operands[0] as TensorfileModule,
    values,
    context,
  });
  await writeTensorfile(training, values, context);
  const seconds = (context.clock.now() - started) / 1000;
  context.log('INFO', `Time taken to run tlt-int8-tensorfile: ${formatDuration(seconds)}.`);
};

const writeTensorfile = async (
  training: NamedTraining,
  values: TensorfileValues,
  context: ToolContext,
): Promise<void> => {
  const plan = training.plan();
  context.log('INFO', 'Setting up input generator.');
  const loader = await openSample(plan, {
    seed: values.seed,
    useValidationSet: values.use_validation_set,
    maxBatches: values.max_batches,
    maxBroken: values.max_broken,
    dataRoot: training.dataRoot,
    warn: (message) => context.log('WARNING', message),
  });
  const set = values.use_validation_set ? 'validation' : 'training';
  const found = loader.classes === undefined ? `in the ${set} set` : `belonging to ${loader.classes} classes`;
  context.log('INFO', `Found ${loader.available} images ${found}.`);
  await writeSample(values.output_path, { ...loader, batches: logBatches(loader.batches, context) }, context);
  context.log('INFO', 'Calibration tensorfile written.');
  context.log(
    'INFO',
    `${values.output_path} contains ${values.max_batches} batches of ${plan.batchSize} images. Use it with: tlt-export --cal_data_file ${values.output_path} --batches ${values.max_batches} --batch_size ${plan.batchSize}`,
  );
};

/** Passes the batches on, and logs the images of each at debug level. */
async function* logBatches(batches: AsyncIterable<Batch>, { log }: ToolContext): AsyncGenerator<Batch> {
  let number = 0;
  for await (const batch of batches) {
    log('DEBUG', `Batch ${number++}: ${batch.paths.join(', ')}`);
    yield batch;
  }
}

/** Formats like Python's timedelta, because TLT logs one. */
const formatDuration = (seconds: number): string => {
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const whole = Math.floor(seconds);
  const rest = (seconds - whole).toFixed(6).slice(2);
  return `${Math.floor(whole / 3600)}:${two((whole / 60) % 60)}:${two(whole % 60)}.${rest}`;
};
