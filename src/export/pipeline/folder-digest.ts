/** Digest that identifies a folder of calibration images. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageFolder } from '../../data/preprocessing/image-list.ts';
import { canonicalJson, sha256 } from '../../ground/base/digest.ts';
import type { ListedFile } from '../../ground/base/remote-folder.ts';

/** SHA-256 over sorted names and sizes: cheap, unlike reading every image. The same files have it in any storage. */
export const folderDigest = async (folder: ImageFolder): Promise<string> => {
  const files = typeof folder === 'string' ? await listFiles(folder) : await folder.list();
  const sizes = files.map(({ name, sizeBytes }) => [name, sizeBytes] as const);
  return sha256(canonicalJson(sizes.sort(([a], [b]) => (a < b ? -1 : 1))));
};

const listFiles = async (folder: string): Promise<readonly ListedFile[]> =>
  Promise.all(
    (await readdir(folder)).map(async (name) => ({ name, sizeBytes: (await stat(join(folder, name))).size })),
  );
