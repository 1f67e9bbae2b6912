/** A pod that counts one part of the calibration images of an export, and stores its histograms. */
import { countPartOnce } from '../../export/pipeline/calibration-parts.ts';
import { usesTrainedScales } from '../../export/pipeline/trained-scales.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Counted } from '../../ground/contract/result.ts';
import type { ExportTask } from '../../ground/contract/task.ts';
import { openTask, readInputs } from './open-task.ts';
import type { TaskContext } from './task-context.ts';
import { requestFromTask } from './task-request.ts';

/**
 * Counts a part unless its histograms are stored.
 * @param part from 1
 * @throws UserError with the reason that becomes the condition reason in status
 */
export const runCountTask = async (
  task: ExportTask,
  part: number,
  context: TaskContext,
): Promise<Counted> => {
  const inputs = await readInputs(task, context);
  const { opened, cipher } = await openTask(task, inputs, context);
  const { key, data } = inputs;
  const request = requestFromTask(task, { opened, key, cipher, data, deployment: undefined, context });
  const { int8, forcePtq } = request;
  if (int8?.parts === undefined)
    throw new UserError('Usage', 'Reading the task: it has no parts. Use the worker image of the operator.');
  if (usesTrainedScales(opened, forcePtq)) {
    context.log('INFO', 'The model has scales from quantisation-aware training; no image is counted.');
    return { kind: 'Counted', images: 0, reused: false };
  }
  const { images, passSeconds } = await countPartOnce(request, { int8, parts: int8.parts, part }, context);
  const pass = passSeconds !== undefined && images > 0 && { images, seconds: passSeconds.toFixed(3) };
  return {
    kind: 'Counted',
    images,
    ...(pass && { calibrationPass: pass }),
    reused: passSeconds === undefined,
  };
};

/** The part of the pod of an Indexed Job, from 1. @param index its completion index, from 0 @throws UserError Usage */
export const readPart = (index: string | undefined): number => {
  if (index !== undefined && /^[0-9]{1,6}$/.test(index)) return Number(index) + 1;
  throw new UserError(
    'Usage',
    'Counting a part: JOB_COMPLETION_INDEX is no index. Run it in an Indexed Job.',
  );
};
