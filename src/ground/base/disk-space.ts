/** Space on the disk, for libraries that do not say why they could not write. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Bytes that this user can still write on the file system of a path, whose file may not exist yet. */
export const freeBytes = async (path: string): Promise<number> => {
  const { bavail, bsize } = await statfs(path).catch(() => statfs(dirname(path)));
  return bavail * bsize;
};
