/** What the commands of `tlt-model` share: the terminal, the key, names of files, what is said of one that was written. */
import { stat } from 'node:fs/promises';
import { join, parse as parsePath } from 'node:path';
import type { Cipher } from '../../formats/crypto/encrypted-model.ts';
import { externalCodec } from '../../formats/crypto/external/codec.ts';
import { readKey } from '../../formats/crypto/key.ts';
import { fileDigest } from '../../ground/base/digest.ts';
import { UserError } from '../../ground/base/errors.ts';
import { printable, printableLines } from '../../ground/base/printable.ts';
import { usage, type Words } from './model-words.ts';

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

export const keyOf = (words: Words, { env }: Terminal): Promise<string> =>
  readKey({ key: words.key, keyFile: words.keyFile, env });

/** Undefined: age. */
export const cipherOf = ({ codec: command }: Words, { complain, signal }: Terminal): Cipher | undefined =>
  command &&
  externalCodec({ command, signal, warn: (line) => complain(`tlt-model: ${printableLines(line)}\n`) });

/** Puts the file's name before an error that speaks of bytes only. */
export const naming = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof UserError) || thrown.message.includes(file)) throw thrown;
    throw new UserError(thrown.reason, `${file}: ${thrown.message}`, { cause: thrown });
  }
};

/** The one input, and the output: `-o`, or the input's name with another extension in its own folder. */
export const placesOf = (
  name: 'pack' | 'unpack' | 'convert',
  { files, output: given }: Words,
  extension: string,
) => {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0) throw usage(`name one model, not ${files.length}`, name);
  const { dir, name: stem } = parsePath(file);
  return [file, given ?? join(dir, `${stem}${extension}`)] as const;
};

export const writtenFile = async (target: string): Promise<string> =>
  `${printable(target)}: ${(await stat(target)).size} bytes, sha256 ${await fileDigest(target)}`;
