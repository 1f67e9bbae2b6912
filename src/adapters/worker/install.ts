/** The init container of a pod with a codec: copies the worker and Node.js into a volume, because the codec's image has neither. */
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { outputFailure } from '../../ground/base/whole-file.ts';

/** Paths of an installation. */
export type Installation = {
  /** The Node.js executable. */
  readonly node: string;
  /** The folder with `dist` and `node_modules`. */
  readonly app: string;
  /** The folder that receives `node` and `app`. */
  readonly target: string;
};

/** Copies Node.js and the worker. @throws UserError DiskFull, OutputUnwritable */
export const installWorker = async ({ node, app, target }: Installation): Promise<void> => {
  try {
    await cp(node, join(target, 'node'));
    await cp(app, join(target, 'app'), { recursive: true, verbatimSymlinks: true });
  } catch (thrown) {
    throw outputFailure(thrown, target);
  }
};
