/** Flags, and parts of flags, that several tables of flags.ts have. */
import { defaults } from './defaults.ts';
import type { FlagRow, FlagTable } from './flag-table.ts';
import { numberLimits } from './number-limits.ts';

/** Names a key file where no flag does, so that the key stands neither in argv nor in the environment. */
export const keyFileVariable = 'TLT_KEY_FILE';

export const keyFlags = {
  key: {
    type: 'text',
    placeholder: 'KEY',
    aliases: ['k'],
    help: 'Key of the .tlt, and of the .etlt that is made. Others on this machine can read it in the process list: --key_file keeps it out of there.',
  },
  key_file: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: `File that holds the key. Without it and -k, the environment variable ${keyFileVariable} names that file.`,
  },
} as const satisfies FlagTable;

export const codecFlag = {
  codec_command: {
    type: 'text',
    placeholder: 'COMMAND',
    added: true,
    help: "Program that encrypts and decrypts in place of age, for NVIDIA's own cipher: its path, or a JSON array of words. A model that age did not encrypt is decrypted by it, and the .etlt is encrypted by it. See docs/external-codec.md.",
  },
} as const satisfies FlagTable;

export const general = {
  verbose: {
    type: 'switch',
    aliases: ['v'],
    help: 'Log debug lines, such as the fields of the spec that are not needed.',
  },
  help: { type: 'switch', aliases: ['h'], help: 'Show this help and end.' },
} as const satisfies FlagTable;

/** Where what a spec names is to be found, for a tool that runs in another place than the training did. */
export const dataFlags = {
  data_root: {
    type: 'text',
    placeholder: 'FOLDER',
    added: true,
    help: 'Folder that relative paths of the spec lie below. Without it the environment variable DATA_BASE_PATH names it, as in TLT; without both it is the current one.',
  },
  path_in_spec: {
    type: 'text',
    placeholder: 'FOLDER',
    added: true,
    help: 'Absolute folder as the spec names it, that is --data_root here: for a spec of a training that ran in a container.',
  },
} as const satisfies FlagTable;

export const seedFlag = {
  type: 'integer',
  minimum: 0,
  maximum: numberLimits.seed,
  placeholder: 'N',
  default: defaults.seed,
  added: true,
} as const;

export const maxBrokenFlag = {
  type: 'share',
  placeholder: 'SHARE',
  default: defaults.maxBroken,
  added: true,
  help: 'Share of the images wanted, 0 to 1, that may be broken; each is named and another one takes its place.',
} as const satisfies FlagRow;
