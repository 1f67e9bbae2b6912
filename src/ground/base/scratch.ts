/** Files of a while of work in a temporary folder. None of them is left, however the process ends, and no one else can read them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beginFile, pathForOthers, type UnfinishedFile } from './unfinished-file.ts';
import { outputFailure } from './whole-file.ts';

export type Scratch = AsyncDisposable & {
  /** The path at which programs that this process starts can read and write the file. @throws UserError DiskFull, OutputUnwritable */
  readonly write: (content: Uint8Array | string) => Promise<string>;
};

/** Where the system has no files without a name, they have a hidden one until the work ends. */
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
