/** The commands of the plugin: each reads the cluster, and prints the text that pure functions compose. */
import { printableJson } from '../../ground/base/printable.ts';
import type { PluginCommand, PluginValues } from '../../ground/contract/plugin-programs.ts';
import type { KubeClient } from '../runtime/client.ts';
import { explainReason, formatExplanation } from './explain.ts';
import { coloured, type Paint, plain } from './paint.ts';
import { type Reader, readFacts, type Target } from './read.ts';
import { reportStatus } from './status-report.ts';
import { formatStatus } from './status-text.ts';

/** The world outside, as the entry provides it. */
export type PluginContext = {
  /** Connects by kubeconfig. `namespace` is that of the context. */
  readonly connect: (
    where: ClusterFlags,
  ) => Promise<{ readonly client: KubeClient; readonly namespace: string }>;
  readonly print: (text: string) => void;
  readonly isTerminal: boolean;
  readonly hasColours: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly signal: AbortSignal;
};

type ClusterFlags = { readonly kubeconfig?: string; readonly context?: string };

/** Operands and flags of a parsed command line. */
export type Given<C extends PluginCommand> = {
  readonly operands: readonly string[];
  readonly values: PluginValues<C>;
};

type Commands = { readonly [C in PluginCommand]: (given: Given<C>, context: PluginContext) => Promise<void> };

/** Subcommand → what it does. Each rejects with UserError, or with ApiError for a response of the apiserver. */
export const pluginCommands: Commands = {
  status: async ({ operands: [name = ''], values }, context) => {
    const { reader, target } = await findTarget(name, values, context);
    const report = reportStatus(await readFacts(reader, target));
    show(context, values.output, {
      json: report,
      text: (paint) => formatStatus(report, { paint, now: context.now() }),
    });
  },
  explain: async ({ operands: [word = ''], values }, context) => {
    const explanation = explainReason(word);
    show(context, values.output, {
      json: explanation,
      text: (paint) => formatExplanation(explanation, paint),
    });
  },
};

const findTarget = async (
  name: string,
  { namespace, ...where }: ClusterFlags & { readonly namespace?: string },
  { connect, signal }: PluginContext,
): Promise<{ readonly reader: Reader; readonly target: Target }> => {
  const found = await connect(where);
  return {
    reader: { client: found.client, signal },
    target: { namespace: namespace ?? found.namespace, name },
  };
};

type Shown = { readonly json: object; readonly text: (paint: Paint) => string };

const show = (
  { print, isTerminal, hasColours }: PluginContext,
  output: 'table' | 'json' | undefined,
  { json, text }: Shown,
): void => {
  const isText = output === undefined ? isTerminal : output === 'table';
  print(isText ? text(hasColours ? coloured : plain) : `${printableJson(json)}\n`);
};
