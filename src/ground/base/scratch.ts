/** Temporary files that only this user can read, and that never outlive the process. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beginFile, pathForOthers, type UnfinishedFile } from './unfinished-file.ts';
import { outputFailure } from './whole-file.ts';

export type Scratch = AsyncDisposable & {
  /** Writes a file and returns a path that child processes can open. @throws UserError DiskFull, OutputUnwritable */
  readonly write: (content: Uint8Array | string) => Promise<string>;
};

/**
 * Temporary files in `folder`, removed on disposal. They are unnamed (O_TMPFILE) if the system supports it, hidden
 * otherwise.
 */
export const makeScratch = (folder: string): Scratch => {
  const files: UnfinishedFile[] = [];
  return {
    write: async (content) => {
      try {
        const file = await beginFile(join(folder, 'tlt'), 0o600);
        files.push(file);
        await writeFile(file.path, content);
        return await pathForOthers(file.path);
      } catch (thrown) {
        throw outputFailure(thrown, folder);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const file of files) await file.close();
    },
  };
};
