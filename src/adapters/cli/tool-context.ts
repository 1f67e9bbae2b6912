/** The dependencies of a command-line tool. */
import type { Watch } from '../../export/pipeline/export.ts';
import type { Outputs } from '../../ground/base/whole-file.ts';

/** Dependencies of a tool. */
export type ToolContext = Watch & {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output. */
  readonly print: (text: string) => void;
  readonly log: (level: 'INFO' | 'WARNING' | 'DEBUG', message: string) => void;
  /** Folder for temporary files. */
  readonly temporary: string;
  /** Monotonic time in milliseconds. */
  readonly clock: { now(): number };
  /** Scrypt work factor (log2) of written models; see `PassphraseOptions`. */
  readonly workFactor?: number;
};

/** Dependencies while an export runs: its output files get their names together at the end. */
export type ExportContext = ToolContext & {
  readonly outputs: Outputs;
  /** Queues a message that is logged when the files have their names. */
  readonly logAtEnd: (message: string) => void;
};
