/** Digest that identifies a folder of calibration images. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '../../ground/base/digest.ts';

/** SHA-256 over sorted names and sizes: cheap, unlike reading every image. */
export const folderDigest = async (folder: string): Promise<string> => {
  const names = (await readdir(folder)).sort();
  const sizes = await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).size]));
  return sha256(canonicalJson(sizes));
};
