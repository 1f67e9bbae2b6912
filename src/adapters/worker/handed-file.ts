/**
 * Files written by another party: a container with another image, or any user who can write to the claim. Only a
 * regular file of a bounded size is accepted; links are not followed, and pipes and devices are refused.
 */
import { createWriteStream } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { systemCodeOf, UserError } from '../../ground/base/errors.ts';

export type Handed = {
  /** What an error says was being done, for example `Storing the engine`. */
  readonly doing: string;
  readonly limitBytes: number;
};

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Open for reading; undefined if there is no such file. @throws UserError EngineBuildFailed if it is no plain file */
const openHanded = async (path: string, { doing, limitBytes }: Handed): Promise<FileHandle | undefined> => {
  try {
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const found = await handle.stat();
    if (found.isFile() && found.size <= limitBytes) return handle;
    await handle.close();
    const fault = found.isFile() ? `has ${found.size} bytes, more than ${limitBytes}` : 'is not a plain file';
    throw refused(doing, path, fault);
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    if (code === 'ENOENT') return undefined;
    // A link that was not followed; a socket or a device without a driver cannot be opened.
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'ENODEV')
      throw refused(doing, path, 'is not a plain file');
    throw thrown;
  }
};

const refused = (doing: string, path: string, fault: string): UserError =>
  new UserError('EngineBuildFailed', `${doing}: ${path} ${fault}. Look at what the container build writes.`);

/** The whole content; undefined if there is no such file. @throws UserError EngineBuildFailed if it is no plain file */
export const readHanded = async (path: string, handed: Handed): Promise<Buffer | undefined> => {
  await using handle = await openHanded(path, handed);
  return handle?.readFile();
};

/** Copies to an empty file that exists; false if there is nothing to copy. @throws UserError EngineBuildFailed if it is no plain file */
export const copyHanded = async (from: string, to: string, handed: Handed): Promise<boolean> => {
  await using handle = await openHanded(from, handed);
  if (handle === undefined || (await handle.stat()).size === 0) return false;
  await pipeline(handle.createReadStream({ autoClose: false }), createWriteStream(to, { flags: 'r+' }));
  return true;
};
