/**
 * Artifacts in PersistentVolumeClaims: `pvc://claim/path` is the file `<root>/claim/path`, since every claim of a pod
 * is mounted below one root.
 */
import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemClock } from '../../ground/base/clock.ts';
import { fileDigest, sha256 } from '../../ground/base/digest.ts';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import type { FailureReason } from '../../ground/base/failures.ts';
import { isInside } from '../../ground/base/inside.ts';
import { parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { makeOutputs, outputFailure, writeWholeFile } from '../../ground/base/whole-file.ts';
import { fileIn } from '../../ground/contract/layout.ts';
import type { ArtifactStore, Staging } from './store.ts';

/** @param now milliseconds since the epoch, by which a file is known to be abandoned */
export const makePvcStore = (root: string, now: () => number = systemClock.now): ArtifactStore => ({
  fetch: async (uri) => {
    try {
      return await realPathOf(root, uri);
    } catch (thrown) {
      throw inputFailure(uri, thrown);
    }
  },
  boundaryOf: async (uri) => {
    try {
      return (await placeOf(root, uri)).claim;
    } catch (thrown) {
      throw inputFailure(uri, thrown);
    }
  },
  read: async (uri) => {
    try {
      return readRegular(await realPathOf(root, uri));
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return undefined;
      throw inputFailure(uri, thrown);
    }
  },
  put: async (uri, bytes) => {
    const path = await madePlace(root, uri, now());
    await writeWholeFile(path, bytes, { overwrite: true });
    return { sha256: sha256(bytes), sizeBytes: bytes.byteLength };
  },
  create: async (uri, bytes) => {
    const path = await madePlace(root, uri, now());
    try {
      await writeWholeFile(path, bytes, { overwrite: false });
      return true;
    } catch (thrown) {
      if (thrown instanceof UserError && thrown.reason === 'OutputExists') return false;
      throw thrown;
    }
  },
  list: async (folder) => {
    try {
      return await readdir(await realPathOf(root, folder));
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return [];
      throw inputFailure(folder, thrown);
    }
  },
  stage: (folder) => stagingOf((file) => madePlace(root, fileIn(folder, file), now())),
});

const stagingOf = (placeFor: (file: string) => Promise<string>): Staging => {
  const outputs = makeOutputs();
  const paths: string[] = [];
  return {
    make: async (file, write) => {
      const path = await placeFor(file);
      await outputs.make(path, write, { overwrite: false });
      paths.push(path);
      const staged = outputs.placeOf(path);
      return { sha256: await fileDigest(staged), sizeBytes: (await stat(staged)).size };
    },
    publish: outputs.publish,
    withdraw: async () => {
      for (const path of paths) await rm(path, { force: true });
    },
    [Symbol.asyncDispose]: () => outputs[Symbol.asyncDispose](),
  };
};

type Place = {
  /** The claim's mount, with its own links resolved. */
  readonly claim: string;
  readonly path: string;
};

const placeOf = async (root: string, uri: string): Promise<Place> => {
  const parts = parsePvcUri(uri);
  if (!parts)
    throw new UserError(
      'InputNotFound',
      `Opening ${uri}: only pvc://<claim>/<path> can be opened. Correct the URI.`,
    );
  const claim = await realpath(join(root, parts.claim));
  return { claim, path: join(claim, parts.path) };
};

/** Where the file or folder really is: in its claim, whatever links are on the way. Throws what the system says. */
const realPathOf = async (root: string, uri: string): Promise<string> => {
  const { claim, path } = await placeOf(root, uri);
  const real = await realpath(path);
  if (isInside(claim, real)) return real;
  throw outside('InputNotFound', uri);
};

/** A link could lead from one claim into another, or to the key that is mounted in the pod. */
const outside = (reason: FailureReason, uri: string): UserError =>
  new UserError(
    reason,
    `Opening ${uri}: a symbolic link on this path leads out of the claim, and is not followed. Put the file itself there.`,
  );

/** The path of an output, in its folder inside the claim, which is made. */
const madePlace = async (root: string, uri: string, now: number): Promise<string> => {
  try {
    const { claim, path } = await placeOf(root, uri);
    const folder = dirname(path);
    if (!isInside(claim, await deepestReal(folder))) throw outside('OutputUnwritable', uri);
    await mkdir(folder, { recursive: true });
    await sweep(path, now);
    return path;
  } catch (thrown) {
    throw outputFailure(thrown, uri);
  }
};

/** The real path of the deepest folder on the way that exists. */
const deepestReal = async (folder: string): Promise<string> => {
  try {
    return await realpath(folder);
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ENOENT' || dirname(folder) === folder) throw thrown;
    return deepestReal(dirname(folder));
  }
};

/** Longer than any pause between two writes of a pod that still works, in milliseconds. */
const abandonedMs = 60 * 60 * 1000;

/** What a killed pod left of this file. Another pod may be writing it now: its file is young. */
const sweep = async (path: string, now: number): Promise<void> => {
  const folder = dirname(path);
  const parts = (await readdir(folder)).filter(
    (name) => name.startsWith(`.${basename(path)}.`) && name.endsWith('.partial'),
  );
  await Promise.all(parts.map((name) => removeIfAbandoned(join(folder, name), now)));
};

const removeIfAbandoned = async (path: string, now: number): Promise<void> => {
  const found = await stat(path).catch(() => undefined); // Renamed or removed meanwhile by the pod that writes it.
  if (found && now - found.mtimeMs > abandonedMs) await rm(path, { force: true });
};

const inputFailure = (uri: string, thrown: unknown): UserError => {
  if (thrown instanceof UserError) return thrown;
  const code = systemCodeOf(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UserError(
      'InputNotFound',
      `Opening ${uri}: it does not exist. Correct the URI, or put the file there.`,
      {
        cause: thrown,
      },
    );
  if (code === 'EACCES' || code === 'EPERM')
    return new UserError(
      'InputNotFound',
      `Opening ${uri}: the user of the pod may not read it. Correct its permissions.`,
      {
        cause: thrown,
      },
    );
  return new UserError('StorageUnavailable', `Opening ${uri}: ${messageOf(thrown)}`, { cause: thrown });
};
