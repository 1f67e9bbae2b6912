/** A group of objects that get their names together. Large files are uploaded in parts before, and completed then. */
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { sha256 as digestOf } from '../../../ground/base/digest.ts';
import { UserError } from '../../../ground/base/errors.ts';
import { outputFailure } from '../../../ground/base/whole-file.ts';
import type { FileDigest, Staging } from '../store.ts';
import { uploadParts } from './multipart.ts';
import { findObject, type RequestContext, removeObject } from './objects.ts';
import type { S3Object } from './read-object.ts';
import type { ScratchSpace } from './scratch.ts';
import { writeObject } from './write-object.ts';

/** Bytes from which a file is uploaded in parts. Smaller ones are one request, when they get their names. */
export const partsFrom = 32 * 2 ** 20;

type Prepared = FileDigest & {
  readonly object: S3Object;
  /** @returns false if the name is taken */
  readonly name: () => Promise<boolean>;
  /** Removes what the disk still has. */
  readonly clear: () => Promise<void>;
  /** Removes what was prepared. */
  readonly drop: () => Promise<unknown>;
};

/** Starts a group. @param objectOf returns the object of a file of the folder */
export const stageObjects = (
  objectOf: (file: string) => S3Object,
  { scratch, begin }: { readonly scratch: ScratchSpace; readonly begin: () => Promise<RequestContext> },
): Staging => {
  let begun: Promise<RequestContext> | undefined;
  const connect = (): Promise<RequestContext> => {
    begun ??= begin();
    return begun;
  };
  const prepared: Prepared[] = [];
  const named: Prepared[] = [];
  const withdraw = async (): Promise<void> => {
    for (const { object } of named.splice(0)) await removeObject(object, await connect());
  };
  return {
    make: async (file, write) => {
      const object = objectOf(file);
      const context = await connect();
      if (await findObject(object, context)) throw nameTaken(object);
      const made = await prepare(object, await makeFile(object, scratch, write), context);
      prepared.push(made);
      return { sha256: made.sha256, sizeBytes: made.sizeBytes };
    },
    publish: async () => {
      try {
        for (const each of prepared) {
          if (!(await each.name())) throw nameTaken(each.object);
          named.push(each);
          await each.clear();
        }
      } catch (thrown) {
        await withdraw().catch(() => undefined); // Keep the earlier error. No manifest names what is left.
        throw thrown;
      }
    },
    withdraw,
    [Symbol.asyncDispose]: async () => {
      for (const each of prepared) if (!named.includes(each)) await each.drop().catch(() => undefined); // Keep the error that ended the work.
    },
  };
};

const makeFile = async (
  { uri }: S3Object,
  scratch: ScratchSpace,
  write: (path: string) => Promise<void>,
): Promise<string> => {
  const path = await scratch.makePath();
  try {
    await writeFile(path, '', { mode: 0o600 });
    await write(path);
    return path;
  } catch (thrown) {
    await rm(path, { force: true });
    throw outputFailure(thrown, uri);
  }
};

const prepare = async (object: S3Object, path: string, context: RequestContext): Promise<Prepared> => {
  const { size: sizeBytes } = await stat(path);
  if (sizeBytes < partsFrom) return prepareSmall(object, path, context);
  try {
    const { sha256, complete, abort } = await uploadParts(object, { path, sizeBytes }, context);
    return { object, sha256, sizeBytes, name: complete, clear: async () => {}, drop: abort };
  } finally {
    await rm(path, { force: true });
  }
};

const prepareSmall = async (object: S3Object, path: string, context: RequestContext): Promise<Prepared> => {
  const content = await readFile(path);
  const sha256 = digestOf(content);
  const clear = () => rm(path, { force: true });
  return {
    object,
    sha256,
    sizeBytes: content.length,
    name: async () => writeObject(object, { bytes: await readFile(path), sha256, mode: 'Create' }, context),
    clear,
    drop: clear,
  };
};

const nameTaken = ({ uri }: S3Object): UserError =>
  new UserError(
    'OutputExists',
    `Writing ${uri}: the object already exists and was not changed. Remove it, or choose another name.`,
  );
