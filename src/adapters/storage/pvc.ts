/**
 * Artifacts in PersistentVolumeClaims: `pvc://claim/path` is the file `<root>/claim/path`, since every claim of a pod
 * is mounted below one root.
 */
import { access, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileDigest, sha256 } from '../../ground/base/digest.ts';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { makeWholeFile, outputFailure, writeWholeFile } from '../../ground/base/whole-file.ts';
import type { ArtifactStore } from './store.ts';

export const makePvcStore = (root: string): ArtifactStore => ({
  fetch: async (uri) => {
    const path = pathOf(root, uri);
    try {
      await access(path);
      return path;
    } catch (thrown) {
      throw inputFailure(uri, thrown);
    }
  },
  read: async (uri) => {
    try {
      return await readFile(pathOf(root, uri));
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return undefined;
      throw inputFailure(uri, thrown);
    }
  },
  put: async (uri, bytes) => {
    const path = pathOf(root, uri);
    await makeFolder(dirname(path), uri);
    await sweep(path);
    await writeWholeFile(path, bytes, { overwrite: true });
    return { sha256: sha256(bytes), sizeBytes: bytes.byteLength };
  },
  make: async (uri, write) => {
    const path = pathOf(root, uri);
    await makeFolder(dirname(path), uri);
    await sweep(path);
    await makeWholeFile(path, write, { overwrite: true });
    return { sha256: await fileDigest(path), sizeBytes: (await stat(path)).size };
  },
});

const pathOf = (root: string, uri: string): string => {
  const parts = parsePvcUri(uri);
  if (!parts)
    throw new UserError(
      'InputNotFound',
      `Opening ${uri}: only pvc://<claim>/<path> can be opened. Mend the URI.`,
    );
  return join(root, parts.claim, parts.path);
};

const makeFolder = async (folder: string, uri: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true });
  } catch (thrown) {
    throw outputFailure(thrown, uri);
  }
};

/** What a killed pod left of this very file; nobody else writes it, because a Job runs one pod at a time. */
const sweep = async (path: string): Promise<void> => {
  const folder = dirname(path);
  const left = (await readdir(folder)).filter(
    (name) => name.startsWith(`.${basename(path)}.`) && name.endsWith('.partial'),
  );
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
};

const inputFailure = (uri: string, thrown: unknown): UserError => {
  if (thrown instanceof UserError) return thrown;
  const code = systemCodeOf(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UserError(
      'InputNotFound',
      `Opening ${uri}: it does not exist. Mend the URI, or put the file there.`,
      {
        cause: thrown,
      },
    );
  if (code === 'EACCES' || code === 'EPERM')
    return new UserError(
      'InputNotFound',
      `Opening ${uri}: the pod's user (65532) may not read it. Mend its permissions.`,
      {
        cause: thrown,
      },
    );
  return new UserError('StorageUnavailable', `Opening ${uri}: ${messageOf(thrown)}`, { cause: thrown });
};
