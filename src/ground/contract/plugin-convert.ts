/** The subcommand `kubectl modelexport convert`. */
import { pluginName } from './plugin-flags.ts';
import { program } from './program.ts';
import { help } from './shared-flags.ts';

/** The program of `convert`. */
export const convertProgram = program({
  name: `${pluginName} convert`,
  summary: 'Prints the manifest of the ModelExport that does what a tlt-export command line does.',
  operands: { kind: 'command', usage: 'tlt-export MODULE [tlt-export flags]' },
  isFromTlt: false,
  flags: {
    name: {
      type: 'text',
      placeholder: 'NAME',
      required: true,
      help: 'Name of the ModelExport.',
    },
    namespace: {
      type: 'text',
      placeholder: 'NAME',
      aliases: ['n'],
      help: 'Namespace in the manifest. Default: none, so that of kubectl apply.',
    },
    claim: {
      type: 'text',
      placeholder: 'CLAIM',
      required: true,
      help: 'PersistentVolumeClaim that contains the files. Relative paths start at its root.',
    },
    mount: {
      type: 'text',
      placeholder: 'FOLDER',
      help: 'Absolute folder on the machine of the command line that corresponds to the root of the claim.',
    },
    'key-secret': {
      type: 'text',
      placeholder: 'SECRET',
      required: true,
      help: 'Secret with the key of the model under the name key. The key itself is never printed.',
    },
    'device-class': {
      type: 'text',
      placeholder: 'CLASSES',
      required: true,
      help: 'Device classes to build engines for, separated by commas.',
    },
    ...help,
  },
  groups: [
    { title: 'Object', flags: ['name', 'namespace', 'key-secret', 'device-class'] },
    { title: 'Paths', flags: ['claim', 'mount'] },
    { title: 'Output', flags: ['help'] },
  ],
  details: [
    'Needs no cluster. Flags of this command come before --. The manifest is written to standard output, notes to standard error. A flag of tlt-export without a counterpart is refused by name.',
    'Artifacts are stored below the folder of -o, or below a folder with the name of the object if -o names none.',
  ],
  examples: [
    `${pluginName} convert --name detector --claim models --key-secret detector-key --device-class ampere \\`,
    '    -- tlt-export detectnet_v2 -m detector.tlt --key_file key.txt | kubectl apply -f -',
    '# a command line with absolute paths, whose folder /workspace is the root of the claim:',
    `${pluginName} convert --name detector --claim models --mount /workspace --key-secret detector-key \\`,
    '    --device-class ampere,cpu -- tlt-export detectnet_v2 -m /workspace/detector.tlt --key_file key.txt \\',
    '    -o /workspace/exports/detector.etlt --data_type int8 --cal_image_dir /workspace/images | kubectl apply -f -',
  ],
});
