/** What an export pod calibrates from: fetched, held against its pin, and known by a digest. */
import { fileDigest } from '../base/digest.ts';
import { UserError } from '../base/errors.ts';
import type { CalibrationTask, Source } from '../contract/task.ts';
import type { ArtifactStore } from '../storage/store.ts';
import type { CalibrationSource } from './calibration-source.ts';
import { requirePin } from './finished-work.ts';
import { folderDigest } from './folder-digest.ts';

export type TaskSource = {
  readonly source: CalibrationSource;
  /** As the user named it. */
  readonly uri: string;
  /** Of the file, or of the names and sizes of the images: data that changed are calibrated from anew. */
  readonly sha256: string;
};

export type SourceWorld = { readonly store: ArtifactStore; readonly signal: AbortSignal };

/** Undefined where the model alone is asked. @throws UserError InputNotFound, DigestMismatch, NotYetSupported */
export const fetchSource = async (
  { source, imageDirectory, tensorfile }: CalibrationTask,
  world: SourceWorld,
): Promise<TaskSource | undefined> => {
  if (imageDirectory) return fetchImages(imageDirectory, world);
  if (tensorfile) return fetchTensorfile(tensorfile, world);
  if (source === 'Model') return undefined;
  throw new UserError(
    'NotYetSupported',
    `Calibrating from ${source}: this version calibrates from ImageDirectory and Tensorfile. Set spec.calibration.source to one of them.`,
  );
};

const fetchImages = async ({ uri }: Source, { store, signal }: SourceWorld): Promise<TaskSource> => {
  const folder = await store.fetch(uri, signal);
  return { source: { kind: 'Images', folder }, uri, sha256: await folderDigest(folder) };
};

const fetchTensorfile = async (pinned: Source, { store, signal }: SourceWorld): Promise<TaskSource> => {
  const path = await store.fetch(pinned.uri, signal);
  const sha256 = await fileDigest(path);
  requirePin(pinned, sha256);
  return { source: { kind: 'Tensorfile', path }, uri: pinned.uri, sha256 };
};
