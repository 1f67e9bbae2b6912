/** The init container of a pod with a codec: leaves the worker, and the Node that runs it, for an image that has neither. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { outputFailure } from '../../ground/base/whole-file.ts';

export type Installation = {
  /** The program that runs this. */
  readonly node: string;
  /** The folder that holds `dist` and `node_modules`. */
  readonly app: string;
  /** Gets `node` and `app`. */
  readonly target: string;
};

/** @throws UserError DiskFull, OutputUnwritable */
export const installWorker = async ({ node, app, target }: Installation): Promise<void> => {
  try {
    await cp(node, join(target, 'node'));
    await cp(app, join(target, 'app'), { recursive: true, verbatimSymlinks: true });
  } catch (thrown) {
    throw outputFailure(thrown, target);
  }
};
