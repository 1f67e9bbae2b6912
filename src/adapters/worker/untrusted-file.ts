/**
 * Reads files that another party wrote: a container with another image, or any user who can write to the claim. Only regular
 * files of a bounded size are accepted. Symbolic links are not followed; pipes and devices are refused.
 */
import { createWriteStream } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { systemCodeOf, UserError } from '../../ground/base/errors.ts';

/** One read of an untrusted file. */
export type UntrustedRead = {
  /** The activity, for error messages: `Storing the engine`. */
  readonly doing: string;
  readonly limitBytes: number;
};

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** Opens the file for reading; undefined if it does not exist. @throws UserError EngineBuildFailed if it is not a regular file */
const openUntrusted = async (
  path: string,
  { doing, limitBytes }: UntrustedRead,
): Promise<FileHandle | undefined> => {
  try {
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const found = await handle.stat();
    if (found.isFile() && found.size <= limitBytes) return handle;
    await handle.close();
    const fault = found.isFile()
      ? `has ${found.size} bytes, more than ${limitBytes}`
      : 'is not a regular file';
    throw refusal(doing, path, fault);
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    if (code === 'ENOENT') return undefined;
    // A symbolic link (ELOOP), a socket or a device without a driver.
    if (code === 'ELOOP' || code === 'ENXIO' || code === 'ENODEV')
      throw refusal(doing, path, 'is not a regular file');
    throw thrown;
  }
};

const refusal = (doing: string, path: string, fault: string): UserError =>
  new UserError('EngineBuildFailed', `${doing}: ${path} ${fault}. Check what the container build writes.`);

/** Reads the whole file; undefined if it does not exist. @throws UserError EngineBuildFailed if it is not a regular file */
export const readUntrusted = async (path: string, limits: UntrustedRead): Promise<Buffer | undefined> => {
  await using handle = await openUntrusted(path, limits);
  return handle?.readFile();
};

/**
 * Copies the file into an existing empty file. Returns false if it does not exist or is empty.
 * @throws UserError EngineBuildFailed if it is not a regular file
 */
export const copyUntrusted = async (from: string, to: string, limits: UntrustedRead): Promise<boolean> => {
  await using handle = await openUntrusted(from, limits);
  if (handle === undefined || (await handle.stat()).size === 0) return false;
  await pipeline(handle.createReadStream({ autoClose: false }), createWriteStream(to, { flags: 'r+' }));
  return true;
};
