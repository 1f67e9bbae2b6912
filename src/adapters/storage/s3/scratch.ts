/** Disk space of a pod for objects that must be whole on disk. What does not fit is refused before it is fetched. */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../../ground/base/errors.ts';

/** An object, for the message. */
export type SizedObject = { readonly uri: string; readonly sizeBytes: number };

/** The space of one process. */
export type ScratchSpace = {
  /** A path for a new file. */
  readonly makePath: () => Promise<string>;
  /** Counts an object that will be on disk. @throws UserError ScratchTooSmall */
  readonly reserve: (object: SizedObject) => void;
  /**
   * Checks before work starts that these objects fit, and beside them an output as large as the largest of them.
   * @throws UserError ScratchTooSmall
   */
  readonly requireRoom: (objects: readonly SizedObject[]) => void;
};

/** Scratch space below a folder, which is created when it is needed. */
export const makeScratchSpace = (folder: string, limitBytes: number): ScratchSpace => {
  let used = 0;
  return {
    makePath: async () => {
      await mkdir(folder, { recursive: true });
      return join(folder, randomUUID());
    },
    reserve: (object) => {
      if (used + object.sizeBytes > limitBytes) throw tooSmall([object], used + object.sizeBytes, limitBytes);
      used += object.sizeBytes;
    },
    requireRoom: (objects) => {
      const sizes = objects.map(({ sizeBytes }) => sizeBytes);
      const needed = sizes.reduce((sum, size) => sum + size, Math.max(0, ...sizes));
      if (needed > limitBytes) throw tooSmall(objects, needed, limitBytes);
    },
  };
};

const tooSmall = (objects: readonly SizedObject[], needed: number, limit: number): UserError =>
  new UserError(
    'ScratchTooSmall',
    `Fetching ${objects.map(({ uri, sizeBytes }) => `${uri} (${sizeBytes} bytes)`).join(', ')}: ${needed} bytes of scratch space are needed, and there are ${limit}. Set spec.s3.scratchSize to at least ${Math.ceil(needed / 2 ** 20)}Mi.`,
  );
