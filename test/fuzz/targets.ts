/** Every reader of bytes from outside, with inputs that it accepts to begin from. */

import type { Random } from './mutate.ts';
import { binaryTargets } from './targets-binary.ts';
import { graphTargets } from './targets-graph.ts';
import { textTargets } from './targets-text.ts';

export type Mutate = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

export type Target = {
  /** Inputs that are read without an error. */
  readonly seeds: () => Promise<readonly Uint8Array[]>;
  readonly mutate: Mutate;
  /** What surrounds the damaged part, where a checksum would refuse any damage. */
  readonly wrap?: (bytes: Uint8Array) => Uint8Array;
  /** Its work is in WebAssembly or native code, whose blocks nobody counts; counting the code around costs tenfold time. */
  readonly isOpaque?: true;
  /** May throw UserError and nothing else. */
  readonly read: (bytes: Uint8Array, folder: string) => unknown;
};

export const targets: Readonly<Record<string, Target>> = {
  ...graphTargets,
  ...binaryTargets,
  ...textTargets,
};
