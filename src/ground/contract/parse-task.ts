/** Parses the task on the command line of a container: JSON written by an operator of the same release. */
import { UserError } from '../base/errors.ts';

/** Parses a task; does not validate its fields. @throws UserError Usage if it is not a JSON object */
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
