/** What a folder of calibration images is recognised by. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '../../ground/base/digest.ts';

/** Digest over names and sizes, sorted: cheap where reading every image would not be. */
export const folderDigest = async (folder: string): Promise<string> => {
  const names = (await readdir(folder)).sort();
  const sizes = await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).size]));
  return sha256(canonicalJson(sizes));
};
