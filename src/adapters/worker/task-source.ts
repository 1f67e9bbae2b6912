/** What an export pod calibrates from: fetched, held against its pin, and known by a digest. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireConfined } from '../../data/datasets/paths.ts';
import { type CalibrationSource, digestOfSource } from '../../export/pipeline/calibration-source.ts';
import { folderDigest } from '../../export/pipeline/folder-digest.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import type { CalibrationTask, ExportTask, Source } from '../../ground/contract/task.ts';
import { requirePin } from './finished-work.ts';
import type { TaskWorld } from './task-world.ts';
import { planTraining, type Training } from './training-data.ts';

export type TaskSource = {
  readonly source: CalibrationSource;
  /** As the user named it. */
  readonly uri: string;
  /** Of the file, or of the names and sizes of images: data that changed are calibrated from anew. */
  readonly sha256: string;
};

/** Undefined where the model alone is asked. @throws UserError InputNotFound, DigestMismatch, SpecInvalid, DatasetInvalid */
export const fetchSource = async (
  task: ExportTask,
  training: Training | undefined,
  world: TaskWorld,
): Promise<TaskSource | undefined> => {
  const { imageDirectory, tensorfile, dataLoader } = task.calibration ?? {};
  if (imageDirectory) return fetchImages(imageDirectory, world);
  if (tensorfile) return fetchTensorfile(tensorfile, world);
  return dataLoader && training && fetchTraining(task, { ...dataLoader, training }, world);
};

const fetchImages = async (pinned: Source, { store, signal }: TaskWorld): Promise<TaskSource> => {
  const folder = await store.fetch(pinned.uri, signal);
  const boundary = await store.boundaryOf(pinned.uri);
  for (const { name } of await linksIn(folder)) await requireConfined(boundary, join(folder, name));
  const digest = await folderDigest(folder);
  requirePin(pinned, digest);
  return { source: { kind: 'Images', folder }, uri: pinned.uri, sha256: digest };
};

const linksIn = async (folder: string): Promise<readonly Dirent[]> =>
  (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isSymbolicLink());

const fetchTensorfile = async (pinned: Source, { store, signal }: TaskWorld): Promise<TaskSource> => {
  const path = await store.fetch(pinned.uri, signal);
  const digest = await fileDigest(path);
  requirePin(pinned, digest);
  return { source: { kind: 'Tensorfile', path }, uri: pinned.uri, sha256: digest };
};

type Loading = NonNullable<CalibrationTask['dataLoader']> & { readonly training: Training };

const fetchTraining = async (
  { calibration }: ExportTask,
  { dataRoot, training }: Loading,
  world: TaskWorld,
): Promise<TaskSource> => {
  const { plan, folder } = await planTraining(training, dataRoot, world);
  const source = { kind: 'Loader', name: training.name, plan, dataRoot: folder } as const;
  const digest = await digestOfSource(source, { ...calibration!, seed: defaults.seed });
  return { source, uri: dataRoot.uri, sha256: digest };
};
