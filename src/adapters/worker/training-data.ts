/** The training's own data inside a pod: the experiment spec, and as a plan, its paths mapped to the data root. */

import type { LoaderPlan } from '../../data/datasets/plan.ts';
import { relocatePlan } from '../../data/datasets/relocate.ts';
import { parseExperimentSpec, readSpecText } from '../../data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { sha256 } from '../../ground/base/digest.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { DataRoot, SpecSource } from '../../ground/contract/task.ts';
import { requirePin } from './finished-work.ts';
import type { TaskWorld } from './task-world.ts';

type DataWorld = Pick<TaskWorld, 'store' | 'specFile' | 'signal'>;

export type Training = {
  /** The spec, as an error names it. */
  readonly name: string;
  /** Of the spec's text. */
  readonly sha256: string;
  readonly spec: ExperimentSpec;
};

/** @throws UserError SpecInvalid, InputNotFound, DigestMismatch */
export const readTraining = async (
  { architecture }: { readonly architecture: Architecture },
  { uri, sha256: pin }: SpecSource,
  { store, specFile, signal }: DataWorld,
): Promise<Training> => {
  const name = uri ?? specFile;
  const text = await readSpecText(uri === undefined ? specFile : await store.fetch(uri, signal), name);
  const digest = sha256(text);
  requirePin({ uri: name, ...(pin && { sha256: pin }) }, digest);
  return { name, sha256: digest, spec: parseExperimentSpec(text, { file: name, architecture }) };
};

export type PlannedData = {
  readonly plan: LoaderPlan;
  /** The data root, as a path: what relative paths of the plan lie below. */
  readonly folder: string;
};

/** @throws UserError SpecInvalid, InputNotFound */
export const planTraining = async (
  { spec }: Training,
  { uri, pathInSpec: from }: DataRoot,
  { store, signal }: DataWorld,
): Promise<PlannedData> => {
  const planned = spec.loader();
  const folder = await store.fetch(uri, signal);
  const plan = from === undefined ? planned : relocatePlan(planned, { from, to: folder });
  return { plan: { ...plan, within: await store.boundaryOf(uri) }, folder };
};
