/** Flags shared by several programs. */
import { defaults } from './defaults.ts';
import type { FlagRow, FlagTable } from './flag-table.ts';
import { numberLimits } from './number-limits.ts';

/** Environment variable with the path of the key file, so that the key is neither in argv nor in the environment. */
export const keyFileVariable = 'TLT_KEY_FILE';

/** Flags for the key of encrypted models. */
export const keyFlags = {
  key: {
    type: 'text',
    placeholder: 'KEY',
    aliases: ['k'],
    help: 'Key of the encrypted model (.tlt, .etlt). Other users of this machine can see it in the process list; use --key_file to avoid that.',
  },
  key_file: {
    type: 'text',
    placeholder: 'FILE',
    added: true,
    help: `File that contains the key; a trailing newline is ignored. Without this flag and -k, the environment variable ${keyFileVariable} is its path.`,
  },
} as const satisfies FlagTable;

/** Flag of the external codec. */
export const codecFlag = {
  codec_command: {
    type: 'text',
    placeholder: 'COMMAND',
    added: true,
    help: "External program that encrypts and decrypts instead of age, for example for NVIDIA's own cipher: its path, or a JSON array of arguments. It decrypts models that age did not encrypt, and encrypts the models that are written. See docs/external-codec.md.",
  },
} as const satisfies FlagTable;

/** The flag --help. */
export const help = {
  help: { type: 'switch', aliases: ['h'], help: 'Show this help and exit.' },
} as const satisfies FlagTable;

/** The flags --verbose and --help. */
export const general = {
  verbose: {
    type: 'switch',
    aliases: ['v'],
    help: 'Log at debug level, for example the fields of the spec that are not used.',
  },
  ...help,
} as const satisfies FlagTable;

/** Where to find the files of a spec, for tools that do not run on the training machine. */
export const dataFlags = {
  data_root: {
    type: 'text',
    placeholder: 'FOLDER',
    added: true,
    help: 'Folder that relative paths of the spec start from. Default: the environment variable DATA_BASE_PATH, as in TLT; otherwise the current folder.',
  },
  path_in_spec: {
    type: 'text',
    placeholder: 'FOLDER',
    added: true,
    help: 'Absolute folder in the spec that corresponds to --data_root here, for a spec of a training that ran in a container.',
  },
} as const satisfies FlagTable;

/** The flag --seed, without its help text. */
export const seedFlag = {
  type: 'integer',
  minimum: 0,
  maximum: numberLimits.seed,
  placeholder: 'N',
  default: defaults.seed,
  added: true,
} as const;

/** The flag --max_broken: the error budget. */
export const maxBrokenFlag = {
  type: 'share',
  placeholder: 'SHARE',
  default: defaults.maxBroken,
  added: true,
  help: 'Fraction of the requested images (0 to 1) that may fail to decode. Each is logged and replaced.',
} as const satisfies FlagRow;
