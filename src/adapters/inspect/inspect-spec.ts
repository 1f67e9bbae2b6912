/** An experiment spec: what it is of, and what the data loader does by it. */

import type { LoaderPlan } from '../../data/datasets/plan.ts';
import type { Preprocessing } from '../../data/preprocessing/normalise.ts';
import { parseExperimentSpec } from '../../data/specs/experiment-spec.ts';
import type { ExperimentSpec } from '../../data/specs/read-spec.ts';
import { maxTextLength } from '../../data/specs/tokens.ts';
import { UserError } from '../../ground/base/errors.ts';

export type SpecDescription = Pick<ExperimentSpec, 'architecture' | 'family' | 'classes' | 'unneeded'> & {
  readonly seed: number | null;
  /** What is done to pictures of a folder; null where it is what the architecture does. */
  readonly imagePreprocessing: Preprocessing | null;
  /** Null if there is too little in the spec for it. */
  readonly loader: LoaderPlan | null;
};

export type SpecInspection = {
  readonly spec: SpecDescription;
  /** What the loader lacks. */
  readonly note?: string;
};

/** A block that specs are made of: `train_config {`. */
const block = /\b[a-z][a-z0-9_]*_config\s*:?\s*[{<]/;

/** Undefined for what is not text, or text of another kind. */
export const decodeSpecText = (bytes: Uint8Array): string | undefined => {
  if (bytes.length > maxTextLength) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return block.test(text) ? text : undefined;
  } catch {
    return undefined; // not UTF-8: no text
  }
};

/** @throws UserError SpecInvalid; a loader that cannot run is told and not thrown */
export const inspectSpec = (text: string, file: string): SpecInspection => {
  const found = parseExperimentSpec(text, { file, architecture: undefined });
  const { architecture, family, classes, unneeded, seed = null, imagePreprocessing = null } = found;
  const facts = { architecture, family, classes, seed, imagePreprocessing, unneeded };
  try {
    return { spec: { ...facts, loader: found.loader() } };
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return { spec: { ...facts, loader: null }, note: `the data loader cannot run by it. ${thrown.message}` };
  }
};
