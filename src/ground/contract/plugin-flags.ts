/** Flags that several subcommands of `kubectl modelexport` have. Names are those of kubectl where kubectl has the flag. */
import type { FlagTable } from './flag-table.ts';

/** Name of the plugin, as a user of kubectl types it. */
export const pluginName = 'kubectl modelexport';

/** Where the cluster is. */
export const clusterFlags = {
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

/** Where the ModelExport is. */
export const namespaceFlag = {
  namespace: {
    type: 'text',
    placeholder: 'NAME',
    aliases: ['n'],
    help: 'Namespace of the ModelExport. Default: the namespace of the context, otherwise the one named default.',
  },
} as const satisfies FlagTable;

/** The form of the output. */
export const outputFlag = {
  output: {
    type: 'choice',
    values: ['table', 'json'],
    aliases: ['o'],
    help: 'Text for people, or JSON. Default: table on a terminal, json otherwise. Colours appear on a terminal, unless NO_COLOR is set.',
  },
} as const satisfies FlagTable;

/** One device class. */
export const classFlag = (help: string) =>
  ({ class: { type: 'text', placeholder: 'CLASS', help } }) as const satisfies FlagTable;

/** Of a subcommand for one ModelExport. */
export const named = {
  isFromTlt: false,
  operands: { kind: 'files', placeholder: 'NAME', max: 1 },
} as const;

/** Where that ModelExport is, in `--help`. */
export const clusterGroup = { title: 'Cluster', flags: ['namespace', 'context', 'kubeconfig'] } as const;
