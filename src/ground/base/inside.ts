/** Path containment. */
import { isAbsolute, relative, sep } from 'node:path';

/** Whether `path` is `folder` or below it. Both must be real paths, with all links resolved. */
export const isInside = (folder: string, path: string): boolean => {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
};
