/** The result of reading an experiment spec, as each module's reader and their callers share it. */
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { LoaderPlan } from '../datasets/plan.ts';
import type { Preprocessing } from '../preprocessing/normalise.ts';
import type { Notes } from './notes.ts';
import type { PluginParameters } from './plugin-parameters.ts';

/** Whose field names a spec uses: TLT 2.0's, or those from TLT 3.0 and TAO on. */
export type Family = 'TLT 2.0' | 'TLT 3.0 or later';

export type ExperimentSpec = {
  readonly architecture: Architecture;
  readonly family: Family;
  /** `random_seed`, if it is set. */
  readonly seed: number | undefined;
  /** In the order of the network's outputs; empty where folders tell them. */
  readonly classes: readonly string[];
  /** What `--cal_image_dir` does to pixels, where the spec says other than the architecture does. */
  readonly imagePreprocessing: Preprocessing | undefined;
  readonly plugin: PluginParameters | undefined;
  /** Of the network's input in pixels, if the spec says them. */
  readonly sides?: { readonly height: number; readonly width: number } | undefined;
  /** Paths of known fields that neither the export nor the loader reads, in the order of the text. */
  readonly unneeded: readonly string[];
  /** What the training's data loader does. @throws UserError SpecInvalid telling all that it lacks */
  readonly loader: () => LoaderPlan;
};

/** What a module's reader gives; issues found while planning keep the loader, the others the whole spec. */
export type ReadSpec = Omit<ExperimentSpec, 'architecture' | 'loader' | 'unneeded'> & {
  readonly plan: (notes: Notes) => LoaderPlan | undefined;
};
