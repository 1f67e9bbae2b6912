/** Whether paths are inside a folder. */
import { isAbsolute, relative, sep } from 'node:path';

/** Of two real paths, with all links resolved: whether `path` is `folder` or is below it. */
export const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};
