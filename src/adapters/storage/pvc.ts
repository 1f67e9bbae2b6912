/**
 * Stores artifacts in PersistentVolumeClaims. `pvc://claim/path` is the file `<root>/claim/path`, because all claims of a pod are
 * mounted below one root.
 */
import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemClock } from '../../ground/base/clock.ts';
import { fileDigest, sha256 } from '../../ground/base/digest.ts';
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import type { FailureReason } from '../../ground/base/failures.ts';
import { isInside } from '../../ground/base/inside.ts';
import { parseOciUri } from '../../ground/base/oci-uri.ts';
import { type PvcUri, parsePvcUri } from '../../ground/base/pvc-uri.ts';
import { readRegular } from '../../ground/base/readable.ts';
import { makeOutputs, outputFailure, writeWholeFile } from '../../ground/base/whole-file.ts';
import { fileIn, imageMount } from '../../ground/contract/layout.ts';
import type { ArtifactStore, Staging } from './store.ts';

/**
 * Makes a store for the claims below `root`.
 * @param now returns milliseconds since the epoch, for the age of partial files
 */
export const makePvcStore = (root: string, now: () => number = systemClock.now): ArtifactStore => ({
  fetch: async (uri) => {
    try {
      return await resolveInClaim(root, uri);
    } catch (thrown) {
      throw inputFailure(uri, thrown);
    }
  },
  requireRoom: async () => undefined, // Files of a claim are read where they are.
  openFolder: async (uri) => {
    try {
      const { claim } = await resolveUri(root, uri);
      return { kind: 'Local', path: await resolveInClaim(root, uri), boundary: claim };
    } catch (thrown) {
      throw inputFailure(uri, thrown);
    }
  },
  hasContent: async (uri, { sha256: expected, sizeBytes }) => {
    try {
      const path = await resolveInClaim(root, uri);
      const found = await stat(path);
      return found.isFile() && found.size === sizeBytes && (await fileDigest(path)) === expected;
    } catch (thrown) {
      const failure = inputFailure(uri, thrown);
      if (failure.reason === 'InputNotFound') return false;
      throw failure;
    }
  },
  read: async (uri, limit) => {
    try {
      return readRegular(await resolveInClaim(root, uri), limit);
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return undefined;
      throw inputFailure(uri, thrown);
    }
  },
  put: async (uri, bytes) => {
    const path = await prepareOutput(root, uri, now());
    await writeWholeFile(path, bytes, { overwrite: true });
    return { sha256: sha256(bytes), sizeBytes: bytes.byteLength };
  },
  create: async (uri, bytes) => {
    const path = await prepareOutput(root, uri, now());
    try {
      await writeWholeFile(path, bytes, { overwrite: false });
      return true;
    } catch (thrown) {
      if (thrown instanceof UserError && thrown.reason === 'OutputExists') return false;
      throw thrown;
    }
  },
  remove: async (uri) => {
    try {
      await rm(await resolveInClaim(root, uri), { force: true });
    } catch (thrown) {
      if (systemCodeOf(thrown) !== 'ENOENT') throw outputFailure(thrown, uri);
    }
  },
  list: async (folder) => {
    try {
      return await readdir(await resolveInClaim(root, folder));
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'ENOENT') return [];
      throw inputFailure(folder, thrown);
    }
  },
  stage: (folder) => makeStaging((file) => prepareOutput(root, fileIn(folder, file), now())),
});

const makeStaging = (placeFor: (file: string) => Promise<string>): Staging => {
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

/** An image volume is mounted like a claim, read-only. */
const parseImageUri = (uri: string): PvcUri | undefined => {
  const parts = parseOciUri(uri);
  return parts && { claim: imageMount(parts.digest), path: parts.path };
};

type ClaimPath = {
  /** Real path of the claim's mount. */
  readonly claim: string;
  readonly path: string;
};

const resolveUri = async (root: string, uri: string): Promise<ClaimPath> => {
  const parts = parsePvcUri(uri) ?? parseImageUri(uri);
  if (!parts)
    throw new UserError(
      'InputNotFound',
      `Opening ${uri}: the URI is not of the form pvc://<claim>/<path>. Correct it.`,
    );
  const claim = await realpath(join(root, parts.claim));
  return { claim, path: join(claim, parts.path) };
};

/**
 * Resolves all symbolic links of the path.
 * @throws UserError InputNotFound if they lead out of the claim; system errors
 */
const resolveInClaim = async (root: string, uri: string): Promise<string> => {
  const { claim, path } = await resolveUri(root, uri);
  const real = await realpath(path);
  if (isInside(claim, real)) return real;
  throw outsideClaim('InputNotFound', uri);
};

/** A symbolic link could lead into another claim, or to the key that is mounted in the pod. */
const outsideClaim = (reason: FailureReason, uri: string): UserError =>
  new UserError(
    reason,
    `Opening ${uri}: a symbolic link on this path leads out of the claim and is not followed. Replace the link by the file.`,
  );

/** Returns the path of an output. Creates its folder, and removes what killed pods left of this file. */
const prepareOutput = async (root: string, uri: string, now: number): Promise<string> => {
  try {
    const { claim, path } = await resolveUri(root, uri);
    const folder = dirname(path);
    if (!isInside(claim, await resolveDeepest(folder))) throw outsideClaim('OutputUnwritable', uri);
    await mkdir(folder, { recursive: true });
    await removeAbandoned(path, now);
    return path;
  } catch (thrown) {
    throw outputFailure(thrown, uri);
  }
};

/** Returns the real path of the deepest existing folder of the path. */
const resolveDeepest = async (folder: string): Promise<string> => {
  try {
    return await realpath(folder);
  } catch (thrown) {
    if (systemCodeOf(thrown) !== 'ENOENT' || dirname(folder) === folder) throw thrown;
    return resolveDeepest(dirname(folder));
  }
};

/** Milliseconds. Longer than the pause between two writes of any running pod. */
const abandonedMs = 60 * 60 * 1000;

/** Removes partial files of this output that a killed pod left. Recent ones stay, because another pod may be writing them. */
const removeAbandoned = async (path: string, now: number): Promise<void> => {
  const folder = dirname(path);
  const parts = (await readdir(folder)).filter(
    (name) => name.startsWith(`.${basename(path)}.`) && name.endsWith('.partial'),
  );
  await Promise.all(parts.map((name) => removeIfAbandoned(join(folder, name), now)));
};

const removeIfAbandoned = async (path: string, now: number): Promise<void> => {
  const found = await stat(path).catch(() => undefined); // The pod that writes it may have renamed or removed it.
  if (found && now - found.mtimeMs > abandonedMs) await rm(path, { force: true });
};

const inputFailure = (uri: string, thrown: unknown): UserError => {
  if (thrown instanceof UserError) return thrown;
  const code = systemCodeOf(thrown);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new UserError(
      'InputNotFound',
      `Opening ${uri}: it does not exist. Correct the URI, or copy the file to this path.`,
      {
        cause: thrown,
      },
    );
  if (code === 'EACCES' || code === 'EPERM')
    return new UserError(
      'InputNotFound',
      `Opening ${uri}: the pod's user has no permission to read it. Correct the permissions.`,
      {
        cause: thrown,
      },
    );
  return new UserError('StorageUnavailable', `Opening ${uri}: ${messageOf(thrown)}`, { cause: thrown });
};
