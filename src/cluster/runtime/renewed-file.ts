/** A small file that the kubelet renews in place, such as a token: read again whenever it was replaced. */
import { readFileSync, statSync } from 'node:fs';

/**
 * A function that returns the present text of the file. It costs one `stat` of a file in memory; opening and reading two
 * files for every request was a sixth of the operator's processor time.
 * @throws what node:fs throws, at every call, if the file is missing
 */
export const makeRenewedFile = (path: string): (() => string) => {
  let read: { readonly version: string; readonly text: string } | undefined;
  return () => {
    const { ino, mtimeMs, size } = statSync(path);
    const version = `${ino} ${mtimeMs} ${size}`;
    if (read?.version !== version) read = { version, text: readFileSync(path, 'utf8') };
    return read.text;
  };
};
