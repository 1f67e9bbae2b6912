/**
 * Reads the key of a command-line tool. Sources, in order: `-k`, `--key_file`, the file named by TLT_KEY_FILE. No
 * message contains the key.
 */
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { readBounded } from '../../ground/base/readable.ts';
import { keyFileVariable } from '../../ground/contract/shared-flags.ts';

/** Where a key may come from. */
export type KeySource = {
  /** The value of `-k` / `--key`. */
  readonly key?: string | undefined;
  /** The value of `--key_file`. */
  readonly keyFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * Reads the key as text, without the key file's trailing newline.
 * @throws UserError Usage (two flags), KeyMissing (none, or empty), InputNotFound
 */
export const readKey = async (source: KeySource): Promise<string> => {
  const key = await findKey(source);
  if (key === undefined)
    throw new UserError(
      'KeyMissing',
      `Reading the key: no key is given. Use --key_file FILE, set ${keyFileVariable} to the path of a key file, or use -k KEY.`,
    );
  return key;
};

/**
 * Reads the key like `readKey`; undefined if no key is named.
 * @throws UserError as `readKey`
 */
export const findKey = async ({ key, keyFile, env }: KeySource): Promise<string | undefined> => {
  if (key !== undefined && keyFile !== undefined)
    throw new UserError('Usage', 'Reading the key: both -k and --key_file are given. Use one of them.');
  if (key !== undefined) return notEmpty(key, 'the value of -k');
  const path = keyFile ?? (env[keyFileVariable] || undefined);
  return path === undefined ? undefined : notEmpty(await readKeyFile(path), `the key file ${path}`);
};

const notEmpty = (key: string, place: string): string => {
  if (key === '')
    throw new UserError('KeyMissing', `Reading the key: ${place} is empty. Put the model's key there.`);
  return key;
};

const readKeyFile = async (path: string): Promise<string> => {
  try {
    const bytes = await readBounded(path, 'secretBytes');
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch (thrown) {
    throw keyFileFailure(thrown, path);
  }
};

const keyFileFailure = (thrown: unknown, path: string): UserError => {
  if (thrown instanceof UserError) return thrown;
  if (systemCodeOf(thrown) === 'ENOENT')
    return new UserError('InputNotFound', `Reading the key: there is no file ${path}. Check the path.`, {
      cause: thrown,
    });
  if (thrown instanceof TypeError)
    return new UserError(
      'KeyMissing',
      `Reading the key: ${path} is not UTF-8 text. A key file contains only the text of the key.`,
    );
  return new UserError('InputNotFound', `Reading the key: ${path} cannot be read: ${messageOf(thrown)}.`, {
    cause: thrown,
  });
};
