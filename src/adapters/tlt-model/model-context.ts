/** Shared by the subcommands of `tlt-model`: context, key, paths, and the line about a written file. */
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
import { parseCommand } from '../cli/parse-command.ts';

/** The parsed command line of a subcommand. */
export type Arguments<C extends ModelCommand> = {
  readonly files: readonly string[];
  readonly values: ModelValues<C>;
};

/** Flags of the subcommands that read or write encrypted models. */
export type KeyValues = ModelValues<'inspect' | 'pack' | 'unpack' | 'convert'>;

/** Dependencies of `tlt-model`. */
export type ModelToolContext = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output. */
  readonly print: (text: string) => void;
  /** Writes to standard error. */
  readonly printError: (text: string) => void;
  readonly signal: AbortSignal;
  /** Random numbers in 0…1, for pauses between requests. */
  readonly random: () => number;
  /** Scrypt work factor (log2) of packed models; see `PassphraseOptions`. */
  readonly workFactor?: number;
};

/** Reads the key from the flags or the environment. @throws UserError Usage, KeyMissing, InputNotFound */
export const readKeyFlags = (values: KeyValues, { env }: ModelToolContext): Promise<string> =>
  readKey({ key: values.key, keyFile: values.key_file, env });

/** Makes the cipher of `--codec_command`; undefined without that flag. @throws UserError Usage */
export const makeCipher = (
  { codec_command: text }: KeyValues,
  { printError, signal }: ModelToolContext,
): Cipher | undefined =>
  text === undefined
    ? undefined
    : createExternalCodec({
        command: parseCommand(text),
        signal,
        warn: (line) => printError(`tlt-model: ${printableLines(line)}\n`),
      });

/** Runs `work`, and adds the file's name to its errors if they lack it. */
export const withFileName = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.message.includes(file)) throw thrown;
    throw new UserError(thrown.reason, `${file}: ${thrown.message}`, { cause: thrown });
  }
};

/** Returns the paths of input and output. The output is `-o`, or the input's path with another extension. */
export const resolvePaths = (
  { files, values }: Arguments<'pack' | 'unpack' | 'convert'>,
  extension: string,
): readonly [string, string] => {
  const file = files[0]!;
  const { dir, name } = parsePath(file);
  return [file, values.output_file ?? join(dir, `${name}${extension}`)];
};

/** Makes the error for an invalid command line of a subcommand. */
export const subcommandUsage = (command: ModelCommand, found: string): UserError =>
  usageError(modelPrograms[command], found);

/** Describes a written file in one line: path, size and digest. */
export const describeFile = async (target: string): Promise<string> =>
  `${printable(target)}: ${(await stat(target)).size} bytes, sha256 ${await fileDigest(target)}`;
