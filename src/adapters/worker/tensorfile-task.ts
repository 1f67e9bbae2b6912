/** The tensorfile pod: samples the training data, stores the batches as TLT does, and the manifest last. */

import { fillSample, openSample } from '../../export/pipeline/training-sample.ts';
import { artifactFiles, fileIn } from '../../ground/contract/layout.ts';
import type { TensorfileWritten } from '../../ground/contract/result.ts';
import type { TensorfileTask } from '../../ground/contract/task.ts';
import { storeOnce } from './store-once.ts';
import type { TaskWorld } from './task-world.ts';
import { planTraining, readTraining } from './training-data.ts';

/** @throws UserError with the reason that status shows */
export const runTensorfileTask = async (
  task: TensorfileTask,
  world: TaskWorld,
): Promise<TensorfileWritten> => {
  const training = await readTraining(task, task.experimentSpec, world);
  const { plan, folder: dataRoot } = await planTraining(training, task.dataRoot, world);
  const open = () =>
    openSample(plan, {
      ...task,
      maxBroken: (task.maxBrokenPercent ?? 0) / 100,
      dataRoot,
      warn: (message) => world.log('WARNING', message),
    });
  const inputs = { spec: training.sha256, trainingData: await (await open()).digest() };
  const { folder } = task;
  return storeOnce<TensorfileWritten>(world.store, {
    wanted: { kind: 'TensorfileWritten', folder, inputs, signal: world.signal },
    files: [artifactFiles.tensorfile],
    make: async (staging, nameOf) => {
      const file = nameOf(artifactFiles.tensorfile);
      const path = fileIn(folder, file);
      const loader = await open(); // Its batches can be read once.
      const stored = await staging.make(file, (place) => fillSample(place, { path, loader }, world));
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
