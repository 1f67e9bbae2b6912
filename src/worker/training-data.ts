/** The training's own data inside a pod: the experiment spec, its paths mapped to the data root, as a loader. */
import { readFile } from 'node:fs/promises';
import { sha256 } from '../base/digest.ts';
import { UserError } from '../base/errors.ts';
import type { Architecture } from '../contract/architectures.ts';
import type { DataRoot, SpecSource } from '../contract/task.ts';
import { type Loader, type LoaderOptions, openLoader } from '../datasets/loader.ts';
import type { LoaderPlan } from '../datasets/plan.ts';
import { relocated } from '../datasets/relocate.ts';
import type { ArtifactStore } from '../storage/store.ts';
import { trainingPlan } from './training-plan.ts';

export type DataWorld = {
  readonly store: ArtifactStore;
  /** Where a ConfigMap's spec is mounted. */
  readonly specFile: string;
  readonly signal: AbortSignal;
};

export type TrainingData = {
  readonly architecture: Architecture;
  readonly experimentSpec: SpecSource;
  readonly dataRoot: DataRoot;
};

export type OpenedData = {
  readonly plan: LoaderPlan;
  readonly loader: Loader;
  /** Digests of the spec and of the names and sizes of the images that are drawn. */
  readonly inputs: { readonly spec: string; readonly images: string };
};

/** @throws UserError SpecInvalid, InputNotFound, DatasetInvalid, TooFewImages */
export const openTrainingData = async (
  { architecture, experimentSpec, dataRoot }: TrainingData,
  options: Omit<LoaderOptions, 'dataRoot'>,
  world: DataWorld,
): Promise<OpenedData> => {
  const spec = await readSpec(experimentSpec, world);
  const planned = trainingPlan(architecture, spec);
  const folder = await world.store.fetch(dataRoot.uri, world.signal);
  const { pathInSpec: from } = dataRoot;
  const plan = from === undefined ? planned : relocated(planned, { from, to: folder });
  const loader = await openLoader(plan, { ...options, dataRoot: folder });
  return { plan, loader, inputs: { spec: sha256(spec.text), images: await loader.digest() } };
};

export type SpecText = {
  /** What an error names. */
  readonly name: string;
  readonly text: string;
};

const readSpec = async ({ uri }: SpecSource, { store, specFile, signal }: DataWorld): Promise<SpecText> => {
  const name = uri ?? specFile;
  const bytes = await readFile(uri === undefined ? specFile : await store.fetch(uri, signal));
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (thrown) {
    throw new UserError(
      'SpecInvalid',
      `Reading the experiment spec ${name}: it is not UTF-8 text. Give the text file that the model was trained with.`,
      { cause: thrown },
    );
  }
};
