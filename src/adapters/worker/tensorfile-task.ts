/** The tensorfile pod: samples the training data, and stores the batches in TLT's format, the manifest last. */
import { fillSample, openSample } from '../../export/pipeline/training-sample.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { TensorfileWritten } from '../../ground/contract/result.ts';
import type { TensorfileTask } from '../../ground/contract/task.ts';
import { storeOnce } from './store-once.ts';
import type { TaskContext } from './task-context.ts';
import { planTraining, readTraining } from './training-data.ts';

/**
 * Writes a tensorfile, or returns the stored result of an earlier run with the same inputs.
 * @throws UserError with the reason that becomes the condition reason in status
 */
export const runTensorfileTask = async (
  task: TensorfileTask,
  context: TaskContext,
): Promise<TensorfileWritten> => {
  const training = await readTraining(task, task.experimentSpec, context);
  const { plan, folder: dataRoot } = await planTraining(training, task.dataRoot, context);
  const open = () =>
    openSample(plan, {
      ...task,
      maxBroken: (task.maxBrokenPercent ?? 0) / 100,
      dataRoot,
      warn: (message) => context.log('WARNING', message),
    });
  const inputs = { spec: training.sha256, trainingData: await (await open()).digest() };
  const { folder } = task;
  return storeOnce<TensorfileWritten>(context.store, {
    identity: { kind: 'TensorfileWritten', folder, inputs, signal: context.signal },
    files: [artifactFiles.tensorfile],
    make: async (staging, nameOf) => {
      const file = nameOf(artifactFiles.tensorfile);
      const path = fileIn(folder, file);
      const loader = await open(); // Batches of a loader can be read only once.
      const stored = await staging.make(file, (place) => fillSample(place, { path, loader }, context));
      const facts = { batches: task.maxBatches, images: loader.images };
      return {
        key: task.tensorfileKey,
        files: { [file]: stored },
        result: {
          kind: 'TensorfileWritten',
          tensorfile: { file, ...stored, ...facts },
          reused: false,
        },
        notes: [`${facts.images} images in ${facts.batches} batches; tlt-export reads it by --cal_data_file`],
      };
    },
  });
};
