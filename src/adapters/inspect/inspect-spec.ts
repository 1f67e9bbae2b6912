/** Describes an experiment spec, and the data loader that it configures. */
import type { LoaderPlan } from '../../data/datasets/plan.ts';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import { parseExperimentSpec } from '../../data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { maxTextLength } from '../../data/specs/tokens.ts';
import { UserError } from '../../ground/base/errors.ts';

/** An experiment spec. */
export type SpecDescription = Pick<ExperimentSpec, 'architecture' | 'family' | 'classes' | 'unneeded'> & {
  readonly seed: number | null;
  /** Preprocessing of images in a folder; null means the default of the architecture. */
  readonly imagePreprocessing: Preprocessing | null;
  /** What the data loader reads; null if the spec does not describe it completely. */
  readonly loader: LoaderPlan | null;
};

/** A spec, and what is missing. */
export type SpecInspection = {
  readonly spec: SpecDescription;
  /** What the data loader lacks. */
  readonly note?: string;
};

/** A block of a spec: `train_config {`. */
const block = /\b[a-z][a-z0-9_]*_config\s*:?\s*[{<]/;

/** Decodes the bytes as UTF-8; undefined if they are not the text of a spec. */
export const decodeSpecText = (bytes: Uint8Array): string | undefined => {
  if (bytes.length > maxTextLength) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return block.test(text) ? text : undefined;
  } catch {
    return undefined; // not UTF-8
  }
};

/** Describes the spec. Why a data loader cannot run is reported in `note`. @throws UserError SpecInvalid */
export const inspectSpec = (text: string, file: string): SpecInspection => {
  const found = parseExperimentSpec(text, { file, architecture: undefined });
  const { architecture, family, classes, unneeded, seed = null, imagePreprocessing = null } = found;
  const facts = { architecture, family, classes, seed, imagePreprocessing, unneeded };
  try {
    return { spec: { ...facts, loader: found.loader() } };
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return {
      spec: { ...facts, loader: null },
      note: `the data loader cannot use this spec. ${thrown.message}`,
    };
  }
};
