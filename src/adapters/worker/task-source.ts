/** Fetches the calibration source of an export pod, verifies its digest, and computes the digest that identifies it. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { requireConfined } from '../../data/datasets/paths.ts';
import { type CalibrationSource, digestOfSource } from '../../export/pipeline/calibration-source.ts';
import { folderDigest } from '../../export/pipeline/folder-digest.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { defaults } from '../../ground/contract/defaults.ts';
import type { CalibrationTask, ExportTask, Source } from '../../ground/contract/task.ts';
import type { StoredFolder } from '../storage/store.ts';
import { verifyDigest } from './finished-work.ts';
import type { TaskContext } from './task-context.ts';
import { planTraining, type Training } from './training-data.ts';

/** A fetched calibration source. */
export type TaskSource = {
  readonly source: CalibrationSource;
  /** URI from the task. */
  readonly uri: string;
  /** Digest of the file, or of the names and sizes of the images. If it changes, calibration is repeated. */
  readonly sha256: string;
};

/**
 * Fetches the source; undefined if the task calibrates from the model's own scales or not at all.
 * @throws UserError InputNotFound, DigestMismatch, SpecInvalid, DatasetInvalid
 */
export const fetchSource = async (
  task: ExportTask,
  training: Training | undefined,
  context: TaskContext,
): Promise<TaskSource | undefined> => {
  const { imageDirectory, tensorfile, dataLoader } = task.calibration ?? {};
  if (imageDirectory) return fetchImages(imageDirectory, context);
  if (tensorfile) return fetchTensorfile(tensorfile, context);
  return dataLoader && training && fetchTraining(task, { ...dataLoader, training }, context);
};

const fetchImages = async (pinned: Source, { store, signal }: TaskContext): Promise<TaskSource> => {
  const stored = await store.openFolder(pinned.uri, signal);
  const folder = stored.kind === 'Remote' ? stored.folder : stored.path;
  if (stored.kind === 'Local') await requireConfinedFiles(stored);
  const digest = await folderDigest(folder);
  verifyDigest(pinned, digest);
  return { source: { kind: 'Images', folder }, uri: pinned.uri, sha256: digest };
};

const requireConfinedFiles = async ({ path, boundary }: Extract<StoredFolder, { kind: 'Local' }>) => {
  for (const { name } of await findLinks(path)) await requireConfined(boundary, join(path, name));
};

const findLinks = async (folder: string): Promise<readonly Dirent[]> =>
  (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isSymbolicLink());

const fetchTensorfile = async (pinned: Source, { store, signal }: TaskContext): Promise<TaskSource> => {
  const path = await store.fetch(pinned.uri, signal);
  const digest = await fileDigest(path);
  verifyDigest(pinned, digest);
  return { source: { kind: 'Tensorfile', path }, uri: pinned.uri, sha256: digest };
};

type TrainingSource = NonNullable<CalibrationTask['dataLoader']> & { readonly training: Training };

const fetchTraining = async (
  { calibration }: ExportTask,
  { dataRoot, training }: TrainingSource,
  context: TaskContext,
): Promise<TaskSource> => {
  const { plan, folder } = await planTraining(training, dataRoot, context);
  const source = { kind: 'Loader', name: training.name, plan, dataRoot: folder } as const;
  const digest = await digestOfSource(source, { ...calibration!, seed: defaults.seed });
  return { source, uri: dataRoot.uri, sha256: digest };
};
