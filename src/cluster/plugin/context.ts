/** The world outside of the plugin's commands, and what they share. */
import type { Clock } from '../../ground/base/clock.ts';
import { printableJson } from '../../ground/base/printable.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { PodExec } from '../runtime/pod-exec.ts';
import type { ExportLine } from './convert-line.ts';
import type { Reader, ReadTarget } from './lists.ts';
import { colour, type Paint, plain } from './paint.ts';

/** Flags that name the cluster. */
export type ClusterFlags = { readonly kubeconfig?: string; readonly context?: string };

/** A cluster. `namespace` is that of the context. */
export type ClusterAccess = {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly exec: PodExec;
};

/** Operands and flags of a parsed command line. */
export type Given<V> = { readonly operands: readonly string[]; readonly values: V };

/** A subcommand. */
export type Run<V> = (given: Given<V>, context: PluginContext) => Promise<void>;

/** The world outside, as the entry provides it. */
export type PluginContext = {
  /** Connects by kubeconfig. */
  readonly connect: (where: ClusterFlags) => Promise<ClusterAccess>;
  /** Parses the words of a command line that starts with `tlt-export`. @throws UserError Usage */
  readonly parseExportLine: (words: readonly string[]) => ExportLine;
  readonly print: (text: string) => void;
  /** Writes to standard error. */
  readonly printError: (text: string) => void;
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  /** Reports `done` of `total` bytes of a file. */
  readonly progress: (done: number, total: number, file: string) => void;
  /** Opens a file in the browser of the user; false if no browser could be started. */
  readonly openPage: (path: string) => Promise<boolean>;
  /** Folder for files that the user looks at and does not keep. */
  readonly temporary: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** Connects, and completes the name of the ModelExport by its namespace. */
export const connectTo = async (
  name: string,
  { namespace, ...where }: ClusterFlags & { readonly namespace?: string },
  { connect, signal }: PluginContext,
): Promise<{ readonly reader: Reader; readonly target: ReadTarget; readonly exec: PodExec }> => {
  const found = await connect(where);
  return {
    reader: { client: found.client, signal },
    target: { namespace: namespace ?? found.namespace, name },
    exec: found.exec,
  };
};

/** An output in both forms. */
export type Shown = { readonly json: object; readonly text: (paint: Paint) => string };

/** Prints the form that the flag names; without it, text on a terminal and JSON otherwise. */
export const show = (
  { print, isTerminal, hasColours }: PluginContext,
  output: 'table' | 'json' | undefined,
  { json, text }: Shown,
): void => {
  const isText = output === undefined ? isTerminal : output === 'table';
  print(isText ? text(hasColours ? colour : plain) : `${printableJson(json)}\n`);
};
