/** Reads the experiment spec of a training inside a pod, and maps its paths to the data root. */
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import { relocatePlan } from '../../data/datasets/relocate.ts';
import { parseExperimentSpec, readSpecText } from '../../data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { sha256 } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { DataRoot, SpecSource } from '../../ground/contract/task.ts';
import { verifyDigest } from './finished-work.ts';
import type { TaskContext } from './task-context.ts';

type DataContext = Pick<TaskContext, 'store' | 'specFile' | 'signal'>;

/** An experiment spec. */
export type Training = {
  /** URI or path of the spec, for error messages. */
  readonly name: string;
  /** Digest of the spec's text. */
  readonly sha256: string;
  readonly spec: ExperimentSpec;
};

/** Reads the spec from a claim or the mounted ConfigMap. @throws UserError SpecInvalid, InputNotFound, DigestMismatch */
export const readTraining = async (
  { architecture }: { readonly architecture: Architecture },
  { uri, sha256: pin }: SpecSource,
  { store, specFile, signal }: DataContext,
): Promise<Training> => {
  const name = uri ?? specFile;
  const text = await readSpecText(uri === undefined ? specFile : await store.fetch(uri, signal), name);
  const digest = sha256(text);
  verifyDigest({ uri: name, ...(pin && { sha256: pin }) }, digest);
  return { name, sha256: digest, spec: parseExperimentSpec(text, { file: name, architecture }) };
};

/** What a data loader reads, and where. */
export type PlannedData = {
  readonly plan: LoaderPlan;
  /** Path of the data root. Relative paths of the plan start there. */
  readonly folder: string;
};

/** Plans the data loader. Paths of the plan may not leave the claim. @throws UserError SpecInvalid, InputNotFound */
export const planTraining = async (
  { spec }: Training,
  { uri, pathInSpec: from }: DataRoot,
  { store, signal }: DataContext,
): Promise<PlannedData> => {
  const planned = spec.loader();
  const folder = await openLocal(uri, { store, signal });
  const plan = from === undefined ? planned : relocatePlan(planned, { from, to: folder.path });
  return { plan: { ...plan, within: folder.boundary }, folder: folder.path };
};

/** Loaders read record files and annotations at any position, so training data cannot be in object storage. */
const openLocal = async (uri: string, { store, signal }: Pick<DataContext, 'store' | 'signal'>) => {
  const folder = await store.openFolder(uri, signal);
  if (folder.kind === 'Local') return folder;
  throw new UserError(
    'InputNotFound',
    `Opening the training data ${uri}: data loaders read claims only. Copy the data to a claim, and name it as pvc://<claim>/<path>.`,
  );
};
