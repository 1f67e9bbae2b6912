/** An image of a sample that is decoded and preprocessed on demand. */
import { decodeImage, type ImageSize } from './decode.ts';
import type { ImageFile } from './image-list.ts';
import { normaliseInto, type Pixels, type Preprocessing } from './normalise.ts';

/** A decoded, preprocessed image; `data` is [C,H,W]. */
export type DecodedImage = { readonly path: string; readonly data: Float32Array };

/** Writes the preprocessed values [C,H,W] of an image into `target`, starting at index `offset`. */
export type WriteValues = (target: Float32Array, offset: number) => void;

/** An image of a sample that is loaded on demand. */
export type SampledImage = {
  readonly path: string;
  /** Decodes it. @throws UserError ImageInvalid */
  readonly decode: () => Promise<WriteValues>;
  /** Its values alone, [C,H,W]. @throws UserError ImageInvalid */
  readonly load: () => Promise<Float32Array>;
};

/** Size and preprocessing of folder images. */
export type FolderPixels = { readonly size: ImageSize; readonly preprocessing: Preprocessing };

/** An image file of a folder, resized and normalised when it is loaded. */
export const folderImage = (file: ImageFile, { size, preprocessing }: FolderPixels): SampledImage =>
  imageFrom(file, preprocessing, () => decodeFile(file, size));

/** Enough for the 32 images of a comparison at 400². Few of them are loaded again where there are more pixels. */
const keptBytes = 2 ** 24;

/**
 * Image files that may be loaded several times. The 8-bit pixels of those loaded first are kept, 16 MiB in all, as long as the
 * images are.
 */
export const folderImages = (
  files: readonly ImageFile[],
  { size, preprocessing }: FolderPixels,
): readonly SampledImage[] => {
  let free = keptBytes;
  return files.map((file) => {
    let kept: Pixels | undefined;
    return imageFrom(file, preprocessing, async () => {
      const pixels = kept ?? (await decodeFile(file, size));
      if (!kept && pixels.data.length <= free) {
        free -= pixels.data.length;
        kept = pixels;
      }
      return pixels;
    });
  });
};

const imageFrom = (
  file: ImageFile,
  preprocessing: Preprocessing,
  read: () => Promise<Pixels>,
): SampledImage => {
  const write =
    (pixels: Pixels): WriteValues =>
    (target, offset) =>
      normaliseInto(target, offset, pixels, preprocessing);
  return {
    path: typeof file === 'string' ? file : file.path,
    decode: async () => write(await read()),
    load: async () => {
      const pixels = await read();
      const values = new Float32Array(pixels.data.length);
      write(pixels)(values, 0);
      return values;
    },
  };
};

const decodeFile = async (file: ImageFile, size: ImageSize): Promise<Pixels> =>
  decodeImage(typeof file === 'string' ? file : { path: file.path, bytes: await file.read() }, size);
