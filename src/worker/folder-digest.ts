/** What a folder of calibration images, or a tensorfile, is recognised by. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, sha256 } from '../base/digest.ts';

/** Digest over names and sizes, sorted: cheap where reading every image would not be. */
export const folderDigest = async (folder: string): Promise<string> => {
  const names = (await readdir(folder)).sort();
  const sizes = await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).size]));
  return sha256(canonicalJson(sizes));
};

/** SHA-256 of a file that may be larger than memory. */
export const fileDigest = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
};
