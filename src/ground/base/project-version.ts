/** The version of this project, from its package.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Reads the version; the file is in the parent folder of the sources, also in a package and in the image. */
export const readProjectVersion = (): string => {
  const path = join(import.meta.dirname, '..', '..', '..', 'package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
};
