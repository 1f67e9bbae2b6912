/** The subcommands of `kubectl modelexport`. */
import type { ValuesOf } from './flag-table.ts';
import { convertProgram } from './plugin-convert.ts';
import { fetchProgram, reportProgram } from './plugin-fetch.ts';
import {
  classFlag,
  clusterFlags,
  clusterGroup,
  named,
  namespaceFlag,
  outputFlag,
  pluginName,
} from './plugin-flags.ts';
import { type Program, program } from './program.ts';
import { help } from './shared-flags.ts';

const outputGroup = { title: 'Output', flags: ['output', 'help'] } as const;
const targetFlags = { ...namespaceFlag, ...clusterFlags, ...outputFlag, ...help } as const;

const status = program({
  ...named,
  name: `${pluginName} status`,
  summary: 'Shows the stages of a ModelExport with their Jobs, pods and warnings, and what to do next.',
  flags: targetFlags,
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

const retry = program({
  ...named,
  name: `${pluginName} retry`,
  summary: 'Requests another attempt at what failed.',
  flags: { ...classFlag('Only the engine of this device class.'), ...targetFlags },
  groups: [{ title: 'Scope', flags: ['class'] }, clusterGroup, outputGroup],
  details: [
    'Use it when the cause of a failure is gone, for example after the right key was put into the Secret: the operator does not see such a change.',
    'Sets the annotation export.tlt.dev/requested-at. Running Jobs and stored artifacts are not affected.',
  ],
  examples: [`${pluginName} retry detector`, `${pluginName} retry detector --class ampere`],
});

const verify = program({
  ...named,
  name: `${pluginName} verify`,
  summary: 'Requests a check of the stored files by size and digest.',
  flags: { ...classFlag('Only the engine of this device class.'), ...targetFlags },
  groups: [{ title: 'Scope', flags: ['class'] }, clusterGroup, outputGroup],
  details: [
    'Use it when files of the claim may have been deleted, changed or damaged. Missing and damaged files are created again.',
    'Sets the annotation export.tlt.dev/verify-requested-at.',
  ],
  examples: [`${pluginName} verify detector`],
});

const suspend = program({
  ...named,
  name: `${pluginName} suspend`,
  summary: 'Suspends a ModelExport: running Jobs are suspended, and no new ones start.',
  flags: targetFlags,
  groups: [clusterGroup, outputGroup],
  details: ['Sets spec.suspend to true. What is stored stays; resume continues with what is missing.'],
  examples: [`${pluginName} suspend detector`],
});

const resume = program({
  ...named,
  name: `${pluginName} resume`,
  summary: 'Resumes a suspended ModelExport.',
  flags: targetFlags,
  groups: [clusterGroup, outputGroup],
  details: ['Sets spec.suspend to false.'],
  examples: [`${pluginName} resume detector`],
});

const hardware = program({
  name: `${pluginName} hardware`,
  summary: 'Shows which nodes match which device class, and why the others do not.',
  operands: { kind: 'none' },
  isFromTlt: false,
  flags: { ...classFlag('Only this device class.'), ...clusterFlags, ...outputFlag, ...help },
  groups: [
    { title: 'Scope', flags: ['class'] },
    { title: 'Cluster', flags: ['context', 'kubeconfig'] },
    outputGroup,
  ],
  details: [
    'Uses the rules of the operator, on the nodes and classes of this moment. Needs permission to list nodes.',
  ],
  examples: [`${pluginName} hardware`, `${pluginName} hardware --class ampere`],
});

const watch = program({
  ...named,
  name: `${pluginName} watch`,
  summary: 'Prints a line for each change of a ModelExport, until it is Ready or Stalled.',
  flags: targetFlags,
  groups: [clusterGroup, outputGroup],
  details: [
    'Exits with 0 when the ModelExport is Ready. When it is Stalled, exits with the exit code of the reason, as the tools do, and with 1 for a reason without one.',
  ],
  examples: [`${pluginName} watch detector`],
});

const logs = program({
  ...named,
  name: `${pluginName} logs`,
  summary: 'Prints the log of the newest pod of the export, or of the engine of a device class.',
  flags: {
    ...classFlag('The engine of this device class. Default: the export.'),
    ...namespaceFlag,
    ...clusterFlags,
    ...help,
  },
  groups: [{ title: 'Scope', flags: ['class'] }, clusterGroup, { title: 'Output', flags: ['help'] }],
  details: [
    'The lines of all containers that have started, in the order in which they run; each line starts with the name of its container.',
  ],
  examples: [`${pluginName} logs detector`, `${pluginName} logs detector --class ampere`],
});

const completion = program({
  name: `${pluginName} completion`,
  summary: 'Prints a completion script for a shell.',
  operands: { kind: 'module', values: ['bash', 'zsh', 'kubectl'] },
  isFromTlt: false,
  flags: help,
  groups: [{ title: 'Output', flags: ['help'] }],
  details: [
    'bash and zsh: the script completes the program kubectl-modelexport. kubectl: the script is the program kubectl_complete-modelexport, with which the completion of kubectl completes kubectl modelexport in every shell.',
  ],
  examples: [
    `source <(${pluginName} completion bash)`,
    `${pluginName} completion kubectl > ~/.local/bin/kubectl_complete-modelexport && chmod +x ~/.local/bin/kubectl_complete-modelexport`,
  ],
});

/** Subcommand → its program. */
export const pluginPrograms = {
  status,
  watch,
  logs,
  report: reportProgram,
  fetch: fetchProgram,
  explain,
  retry,
  verify,
  suspend,
  resume,
  hardware,
  convert: convertProgram,
  completion,
} as const;

/** A subcommand. */
export type PluginCommand = keyof typeof pluginPrograms;

/** Parsed flags of one subcommand. */
export type PluginValues<C extends PluginCommand> =
  (typeof pluginPrograms)[C] extends Program<infer T> ? ValuesOf<T> : never;
