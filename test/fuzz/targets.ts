/** All readers of external bytes, each with valid inputs to start from. */

import type { Random } from './mutate.ts';
import { binaryTargets } from './targets-binary.ts';
import { graphTargets } from './targets-graph.ts';
import { textTargets } from './targets-text.ts';

export type Mutate = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

export type Target = {
  /** Valid inputs. */
  readonly seeds: () => Promise<readonly Uint8Array[]>;
  readonly mutate: Mutate;
  /** Wraps the damaged part, if a checksum around it would reveal all damage. */
  readonly wrap?: (bytes: Uint8Array) => Uint8Array;
  /** Set if the work is in WebAssembly or native code, which has no block coverage. Coverage of the rest would cost ten times the time. */
  readonly isOpaque?: true;
  /** May throw only UserError. */
  readonly read: (bytes: Uint8Array, folder: string) => unknown;
};

export const targets: Readonly<Record<string, Target>> = {
  ...graphTargets,
  ...binaryTargets,
  ...textTargets,
};
