/** The world outside of the plugin's commands, and what they share. */
import type { Clock } from '../../ground/base/clock.ts';
import { printableJson } from '../../ground/base/printable.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { ExportLine } from './convert-line.ts';
import { colour, type Paint, plain } from './paint.ts';
import type { Reader, ReadTarget } from './read.ts';

/** Flags that name the cluster. */
export type ClusterFlags = { readonly kubeconfig?: string; readonly context?: string };

/** The world outside, as the entry provides it. */
export type PluginContext = {
  /** Connects by kubeconfig. `namespace` is that of the context. */
  readonly connect: (
    where: ClusterFlags,
  ) => Promise<{ readonly client: KubeClient; readonly namespace: string }>;
  /** Parses the words of a command line that starts with `tlt-export`. @throws UserError Usage */
  readonly parseExportLine: (words: readonly string[]) => ExportLine;
  readonly print: (text: string) => void;
  /** Writes to standard error. */
  readonly printError: (text: string) => void;
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

/** Connects, and completes the name of the ModelExport by its namespace. */
export const findTarget = async (
  name: string,
  { namespace, ...where }: ClusterFlags & { readonly namespace?: string },
  { connect, signal }: PluginContext,
): Promise<{ readonly reader: Reader; readonly target: ReadTarget }> => {
  const found = await connect(where);
  return {
    reader: { client: found.client, signal },
    target: { namespace: namespace ?? found.namespace, name },
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
