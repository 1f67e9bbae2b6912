/** The training's own data inside a pod: the experiment spec as a plan, its paths mapped to the data root. */
import { sha256 } from '../base/digest.ts';
import type { Architecture } from '../contract/architectures.ts';
import type { DataRoot, SpecSource } from '../contract/task.ts';
import type { LoaderPlan } from '../datasets/plan.ts';
import { relocated } from '../datasets/relocate.ts';
import { parseExperimentSpec, readSpecText } from '../specs/experiment-spec.ts';
import type { TaskWorld } from './task-world.ts';

type DataWorld = Pick<TaskWorld, 'store' | 'specFile' | 'signal'>;

export type TrainingData = {
  readonly architecture: Architecture;
  readonly experimentSpec: SpecSource;
  readonly dataRoot: DataRoot;
};

export type PlannedData = {
  /** The spec, as an error names it. */
  readonly name: string;
  /** SHA-256 of the spec's text. */
  readonly specSha256: string;
  readonly plan: LoaderPlan;
  /** The data root, as a path: what relative paths of the plan lie below. */
  readonly folder: string;
};

/** @throws UserError SpecInvalid, InputNotFound */
export const planTraining = async (
  { architecture, experimentSpec, dataRoot }: TrainingData,
  world: DataWorld,
): Promise<PlannedData> => {
  const spec = await readSpec(experimentSpec, world);
  const planned = parseExperimentSpec(spec.text, { file: spec.name, architecture }).loader();
  const folder = await world.store.fetch(dataRoot.uri, world.signal);
  const { pathInSpec: from } = dataRoot;
  const plan = from === undefined ? planned : relocated(planned, { from, to: folder });
  return { name: spec.name, specSha256: sha256(spec.text), plan, folder };
};

export type SpecText = {
  /** What an error names. */
  readonly name: string;
  readonly text: string;
};

/** @throws UserError SpecInvalid, InputNotFound */
export const readSpec = async (
  { uri }: SpecSource,
  { store, specFile, signal }: DataWorld,
): Promise<SpecText> => {
  const name = uri ?? specFile;
  return {
    name,
    text: await readSpecText(uri === undefined ? specFile : await store.fetch(uri, signal), name),
  };
};
