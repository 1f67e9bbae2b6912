/** Files that a command line names: what the system says of them becomes a sentence. */
import { messageOf, systemCodeOf, UserError } from '../../ground/base/errors.ts';
import { openReadable, type Readable } from '../../ground/base/readable.ts';

/** The same of a file that may be larger than memory. @throws UserError InputNotFound */
export const openInput = (file: string): Promise<Readable & Disposable> =>
  asInput(file, async () => openReadable(file));

/** Runs a read of a named input. @throws UserError InputNotFound */
export const asInput = async <T>(file: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (thrown) {
    if (systemCodeOf(thrown) === undefined) throw thrown;
    const why = systemCodeOf(thrown) === 'ENOENT' ? 'there is no such file' : messageOf(thrown);
    throw new UserError('InputNotFound', `Reading ${file}: ${why}. Check the path.`, { cause: thrown });
  }
};
