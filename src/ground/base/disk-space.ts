/** Free disk space, to explain write errors of libraries that do not report a reason. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes that this user can still write to the file system of `path`; the file need not exist. */
export const freeBytes = async (path: string): Promise<number> => {
  const { bavail, bsize } = await statfs(path).catch(() => statfs(dirname(path)));
  return bavail * bsize;
};
