/** The words of a `tlt-model` command line. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { commandWords } from '../cli/command-words.ts';

export type Words = {
  readonly files: readonly string[];
  readonly help: boolean;
  readonly json: boolean;
  readonly output: string | undefined;
  /** Whose padding a Keras model has, where the file is not to judge. */
  readonly padding: 'tlt' | 'keras' | undefined;
  /** File of the experiment spec, which a Keras model of a detector needs. */
  readonly spec: string | undefined;
  readonly key: string | undefined;
  readonly keyFile: string | undefined;
  /** Words of the program that opens or encrypts in place of age. */
  readonly codec: readonly string[] | undefined;
};

const keyFlags: Flags = {
  key: { type: 'string', short: 'k' },
  key_file: { type: 'string' },
  codec_command: { type: 'string' },
};
const outputFlag: Flags = { output_file: { type: 'string', short: 'o' } };
const specFlag: Flags = { experiment_spec: { type: 'string', short: 'e' } };
const helpFlag: Flags = { help: { type: 'boolean', short: 'h' } };
type Flags = NonNullable<ParseArgsConfig['options']>;

const flags = {
  pack: { ...helpFlag, ...keyFlags, ...outputFlag },
  unpack: { ...helpFlag, ...keyFlags, ...outputFlag },
  convert: { ...helpFlag, ...keyFlags, ...outputFlag, ...specFlag, padding: { type: 'string' } },
  inspect: { ...helpFlag, ...keyFlags, json: { type: 'boolean' } },
  'merge-histograms': { ...helpFlag, ...outputFlag },
} as const satisfies Readonly<Record<string, Flags>>;

export type CommandName = keyof typeof flags;
export const commandNames = Object.keys(flags) as CommandName[];

/** @throws UserError Usage */
export const parseWords = (name: CommandName, argv: readonly string[]): Words => {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: flags[name] as Flags,
      allowPositionals: true,
    });
    const text = (flag: string) => {
      const value = values[flag];
      return typeof value === 'string' ? value : undefined;
    };
    return {
      files: positionals,
      help: values.help === true,
      json: values.json === true,
      output: text('output_file'),
      padding: paddingOf(text('padding')),
      spec: text('experiment_spec'),
      key: text('key'),
      keyFile: text('key_file'),
      codec: codecOf(text('codec_command')),
    };
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw usage(messageOf(thrown), name);
  }
};

const codecOf = (text: string | undefined): Words['codec'] =>
  text === undefined ? undefined : commandWords(text);

const paddingOf = (word: string | undefined): Words['padding'] => {
  if (word === undefined || word === 'tlt' || word === 'keras') return word;
  throw new TypeError(`--padding is ${word}, and must be tlt or keras`);
};

export const usage = (found: string, name?: CommandName): UserError =>
  new UserError('Usage', `${found}. See tlt-model ${name ? `${name} ` : ''}--help.`);
