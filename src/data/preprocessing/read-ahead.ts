/** Fetches images of object storage before they are decoded. */
import type { ImageFile, RemoteImage } from './image-list.ts';

/** Images that are fetched while others are decoded, and their bytes: more than one connection needs, and less than a batch. */
const mostImages = 16;
const mostBytes = 32 * 2 ** 20;

/**
 * The same images. When one is read, those after it are fetched, too, within these limits. Read them in order, each once:
 * an image that is read again is fetched again. Files on disk stay as they are.
 */
export const readAhead = (files: readonly ImageFile[]): readonly ImageFile[] => {
  const fetching = new Map<number, Promise<Uint8Array>>();
  let next = 0;
  let ahead = 0;
  const begin = ({ read }: RemoteImage): Promise<Uint8Array> => {
    const bytes = read();
    bytes.catch(() => undefined); // The reader of the image reports it.
    return bytes;
  };
  const fill = (): void => {
    for (; fetching.size < mostImages; next++) {
      const file = files[next];
      if (file === undefined || typeof file === 'string' || ahead + file.sizeBytes > mostBytes) return;
      fetching.set(next, begin(file));
      ahead += file.sizeBytes;
    }
  };
  return files.map((file, at) => {
    if (typeof file === 'string') return file;
    const read = async (): Promise<Uint8Array> => {
      const bytes = fetching.get(at) ?? begin(file);
      if (fetching.delete(at)) ahead -= file.sizeBytes;
      next = Math.max(next, at + 1);
      fill();
      return bytes;
    };
    return { ...file, read };
  });
};
