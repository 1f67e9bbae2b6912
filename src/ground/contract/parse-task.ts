/** The task on a container's command line: JSON that the operator of the same release wrote. */
import { UserError } from '../base/errors.ts';

/** @throws UserError Usage for what is no JSON object */
export const parseTask = (text: string): object => {
  try {
    const task: unknown = JSON.parse(text);
    if (typeof task === 'object' && task !== null && !Array.isArray(task)) return task;
  } catch (thrown) {
    throw new UserError('Usage', 'Reading the task: it is not JSON. Use the worker image of the operator.', {
      cause: thrown,
    });
  }
  throw new UserError(
    'Usage',
    'Reading the task: it is not a JSON object. Use the worker image of the operator.',
  );
};
