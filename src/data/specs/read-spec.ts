/** Result of reading an experiment spec. */
import type { Architecture } from '../../ground/contract/architectures.ts';
import type { LoaderPlan } from '../datasets/plan.ts';
import type { Preprocessing } from '../preprocessing/normalise.ts';
import type { Notes } from './notes.ts';
import type { PluginParameters } from './plugin-parameters.ts';

/** Version family of the field names. TAO uses those of TLT 3.0. */
export type TltFamily = 'TLT 2.0' | 'TLT 3.0 or later';

/** What the rest of the program uses of a spec. */
export type ExperimentSpec = {
  readonly architecture: Architecture;
  readonly family: TltFamily;
  /** `random_seed`, if set. */
  readonly seed: number | undefined;
  /** Class names in the order of the network outputs; empty if classes are folders. */
  readonly classes: readonly string[];
  /** Preprocessing for `--cal_image_dir`, if the spec overrides that of the architecture. */
  readonly imagePreprocessing: Preprocessing | undefined;
  readonly plugin: PluginParameters | undefined;
  /** Size of the network input in pixels, if the spec sets it. */
  readonly sides?: { readonly height: number; readonly width: number } | undefined;
  /** Paths of known fields that neither the export nor the loader uses, in text order. */
  readonly unneeded: readonly string[];
  /** Settings of the data loader. @throws UserError SpecInvalid listing everything that is missing */
  readonly loader: () => LoaderPlan;
};

/** Result of a module's reader. Errors found by `plan` only affect the loader; earlier ones invalidate the spec. */
export type ReadSpec = Omit<ExperimentSpec, 'architecture' | 'loader' | 'unneeded'> & {
  readonly plan: (notes: Notes) => LoaderPlan | undefined;
};
