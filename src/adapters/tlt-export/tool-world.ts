/** What a command-line tool has of the world outside. */

import type { Watch } from '../../export/pipeline/export.ts';
import type { Outputs } from '../../ground/base/whole-file.ts';

export type ToolWorld = Watch & {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  readonly log: (level: 'INFO' | 'WARNING' | 'DEBUG', message: string) => void;
  readonly temporary: string;
  /** Milliseconds, with fractions, from any start. */
  readonly clock: { now(): number };
  /** Of the models that are written; as `PassphraseOptions` has it. */
  readonly workFactor?: number;
};

/** While an export runs: its files, which get their names together at its end. */
export type ExportWorld = ToolWorld & {
  readonly outputs: Outputs;
  /** Logged when the files have their names. */
  readonly logAtEnd: (message: string) => void;
};
