/** Shared by the commands of `tlt-model`: terminal, key, paths, the line about a written file. */
import { stat } from 'node:fs/promises';
import { join, parse as parsePath } from 'node:path';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { createExternalCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { printable, printableLines } from '../../ground/base/printable.ts';
import { type ModelCommand, type ModelValues, modelPrograms } from '../../ground/contract/model-programs.ts';
import { usageError } from '../cli/command-line.ts';
import { commandWords } from '../cli/command-words.ts';

/** A parsed command line of one subcommand. */
export type Arguments<C extends ModelCommand> = {
  readonly files: readonly string[];
  readonly values: ModelValues<C>;
};

/** The subcommands that read or write encrypted models. */
export type KeyValues = ModelValues<'inspect' | 'pack' | 'unpack' | 'convert'>;

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output. */
  readonly print: (text: string) => void;
  /** Standard error. */
  readonly complain: (text: string) => void;
  readonly signal: AbortSignal;
  /** Of what is packed; as `PassphraseOptions` has it. */
  readonly workFactor?: number;
};

export const keyOf = (values: KeyValues, { env }: Terminal): Promise<string> =>
  readKey({ key: values.key, keyFile: values.key_file, env });

/** Undefined: age. */
export const cipherOf = (
  { codec_command: text }: KeyValues,
  { complain, signal }: Terminal,
): Cipher | undefined =>
  text === undefined
    ? undefined
    : createExternalCodec({
        command: commandWords(text),
        signal,
        warn: (line) => complain(`tlt-model: ${printableLines(line)}\n`),
      });

/** Adds the file's name to an error that only describes bytes. */
export const naming = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.message.includes(file)) throw thrown;
    throw new UserError(thrown.reason, `${file}: ${thrown.message}`, { cause: thrown });
  }
};

/** The input, and the output: `-o`, or the input's path with another extension. */
export const pathsOf = (
  { files, values }: Arguments<'pack' | 'unpack' | 'convert'>,
  extension: string,
): readonly [string, string] => {
  const file = files[0]!;
  const { dir, name } = parsePath(file);
  return [file, values.output_file ?? join(dir, `${name}${extension}`)];
};

/** @throws UserError Usage */
export const usage = (command: ModelCommand, found: string): UserError =>
  usageError(modelPrograms[command], found);

export const writtenFile = async (target: string): Promise<string> =>
  `${printable(target)}: ${(await stat(target)).size} bytes, sha256 ${await fileDigest(target)}`;
