/** The subcommands of `kubectl modelexport`. */
import type { FlagTable, ValuesOf } from './flag-table.ts';
import { type Program, program } from './program.ts';
import { help } from './shared-flags.ts';

/** Name of the plugin, as a user of kubectl types it. */
export const pluginName = 'kubectl modelexport';

/** Where the cluster is; the names are those of kubectl. */
const clusterFlags = {
  kubeconfig: {
    type: 'text',
    placeholder: 'FILE',
    help: 'Path of the kubeconfig. Default: the environment variable KUBECONFIG, otherwise ~/.kube/config.',
  },
  context: {
    type: 'text',
    placeholder: 'NAME',
    help: 'Context of the kubeconfig. Default: its current context.',
  },
} as const satisfies FlagTable;

const namespaceFlag = {
  namespace: {
    type: 'text',
    placeholder: 'NAME',
    aliases: ['n'],
    help: 'Namespace of the ModelExport. Default: the namespace of the context, otherwise default.',
  },
} as const satisfies FlagTable;

const outputFlag = {
  output: {
    type: 'choice',
    values: ['table', 'json'],
    aliases: ['o'],
    help: 'Text for people, or JSON. Default: table on a terminal, json otherwise. Colours appear on a terminal, unless NO_COLOR is set.',
  },
} as const satisfies FlagTable;

const clusterGroup = { title: 'Cluster', flags: ['namespace', 'context', 'kubeconfig'] } as const;
const outputGroup = { title: 'Output', flags: ['output', 'help'] } as const;
const named = { isFromTlt: false, operands: { kind: 'files', placeholder: 'NAME', max: 1 } } as const;

const status = program({
  ...named,
  name: `${pluginName} status`,
  summary: 'Shows the stages of a ModelExport with their Jobs, pods and warnings, and what to do next.',
  flags: { ...namespaceFlag, ...clusterFlags, ...outputFlag, ...help },
  groups: [clusterGroup, outputGroup],
  details: [
    'Reads the ModelExport, its Jobs and pods, and the events about them. What the user may not list is left out, and the output says so.',
  ],
  examples: [`${pluginName} status detector`, `${pluginName} status detector -n vision -o json | jq .next`],
});

const explain = program({
  name: `${pluginName} explain`,
  summary: 'Explains a reason of a condition: when it is set, and what to do.',
  operands: { kind: 'files', placeholder: 'REASON', max: 1 },
  isFromTlt: false,
  flags: { ...outputFlag, ...help },
  groups: [outputGroup],
  details: ['Needs no cluster. Case does not matter.'],
  examples: [`${pluginName} explain NoMatchingNode`],
});

/** Subcommand → its program. */
export const pluginPrograms = { status, explain } as const;

/** A subcommand. */
export type PluginCommand = keyof typeof pluginPrograms;

/** Parsed flags of one subcommand. */
export type PluginValues<C extends PluginCommand> =
  (typeof pluginPrograms)[C] extends Program<infer T> ? ValuesOf<T> : never;
