/** The subcommands of `kubectl modelexport` that copy stored files to the machine of the user. */
import { artifactChoices } from './artifact-names.ts';
import type { FlagTable } from './flag-table.ts';
import { classFlag, clusterFlags, clusterGroup, named, namespaceFlag, pluginName } from './plugin-flags.ts';
import { program } from './program.ts';
import { help } from './shared-flags.ts';

const readerFlags = {
  image: {
    type: 'text',
    placeholder: 'IMAGE',
    help: 'Image of the pod that reads the claim; it must contain Node.js. Default: that of a Job of the export, otherwise that of the operator.',
  },
  'dry-run': {
    type: 'switch',
    help: 'Print the pod that would be created, and the files that would be read; create nothing.',
  },
} as const satisfies FlagTable;

const aboutReader =
  'The files are read through a pod in the namespace of the ModelExport: it mounts the claims read-only, meets the restricted Pod Security Standard, has no token, and is deleted at the end, also after Ctrl-C; an hour after its start the kubelet ends it in any case. You need the verbs create, get and delete on pods, and create and get on pods/exec. If only one node can mount a claim, the pod runs on the node that has it.';

/** The program of `fetch`. */
export const fetchProgram = program({
  ...named,
  name: `${pluginName} fetch`,
  summary: 'Copies stored artifacts from their claim to this machine, and checks their digests.',
  flags: {
    ...classFlag('The engine of this device class.'),
    what: {
      type: 'choice',
      values: artifactChoices,
      help: 'Which artifacts. Default: engine with --class, otherwise all.',
    },
    'output-path': {
      type: 'text',
      placeholder: 'PATH',
      aliases: ['o'],
      help: 'Path of the copy. A folder, or a path that ends in /, keeps the stored names, with the class in front of those of engines. Default: a folder with the name of the ModelExport.',
    },
    ...readerFlags,
    ...namespaceFlag,
    ...clusterFlags,
    ...help,
  },
  groups: [
    { title: 'Scope', flags: ['class', 'what'] },
    { title: 'Pod', flags: ['image', 'dry-run'] },
    clusterGroup,
    { title: 'Output', flags: ['output-path', 'help'] },
  ],
  details: [
    aboutReader,
    'Size and SHA-256 of each copy are compared with status, or with the manifest.json of its folder for files that status does not describe. All copies appear, or none. A copy that exists with the right digest is kept, and any other file is not overwritten.',
  ],
  examples: [`${pluginName} fetch detector`, `${pluginName} fetch detector --class ampere -o model.engine`],
});

/** The program of `report`. */
export const reportProgram = program({
  ...named,
  name: `${pluginName} report`,
  summary: 'Opens the report of a ModelExport in the browser, or saves it.',
  flags: {
    'output-path': {
      type: 'text',
      placeholder: 'FILE',
      aliases: ['o'],
      help: 'Save the report to this file and open no browser. Default: a file in the temporary folder, which is opened.',
    },
    ...readerFlags,
    ...namespaceFlag,
    ...clusterFlags,
    ...help,
  },
  groups: [
    { title: 'Pod', flags: ['image', 'dry-run'] },
    clusterGroup,
    { title: 'Output', flags: ['output-path', 'help'] },
  ],
  details: [aboutReader, 'The report is one self-contained HTML file, which loads nothing from a network.'],
  examples: [`${pluginName} report detector`, `${pluginName} report detector -o detector.html`],
});
