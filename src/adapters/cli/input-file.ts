/** Reads files that a command line names, and converts system errors to user errors. */
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { openReadable, type Readable } from '../../ground/base/readable.ts';

/** Opens a file for reading in parts; it may be larger than memory. @throws UserError InputNotFound */
export const openInput = (file: string): Promise<Readable & Disposable> =>
  readInput(file, async () => openReadable(file));

/** Runs `read`, and converts its system errors. @throws UserError InputNotFound */
export const readInput = async <T>(file: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (thrown) {
    if (systemCodeOf(thrown) === undefined) throw thrown;
    const why = systemCodeOf(thrown) === 'ENOENT' ? 'the file does not exist' : messageOf(thrown);
    throw new UserError('InputNotFound', `Reading ${file}: ${why}. Check the path.`, { cause: thrown });
  }
};
