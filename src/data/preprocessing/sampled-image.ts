/** An image of a sample that is decoded and preprocessed on demand. */
import { decodeImage, type ImageInput, type ImageSize } from './decode.ts';
import type { ImageFile } from './image-list.ts';
import { normaliseInto, type Preprocessing } from './normalise.ts';

/** An image of a sample that is loaded on demand. */
export type SampledImage = {
  readonly path: string;
  /** Decodes and preprocesses it: [C,H,W]. @throws UserError ImageInvalid */
  readonly load: () => Promise<Float32Array>;
};

/** Size and preprocessing of folder images. */
export type FolderPixels = { readonly size: ImageSize; readonly preprocessing: Preprocessing };

/** An image file of a folder, resized and normalised when it is loaded. */
export const folderImage = (file: ImageFile, { size, preprocessing }: FolderPixels): SampledImage => ({
  path: typeof file === 'string' ? file : file.path,
  load: async () => {
    const data = new Float32Array(size.channels * size.height * size.width);
    normaliseInto(data, 0, await decodeImage(await openImage(file), size), preprocessing);
    return data;
  },
});

const openImage = async (file: ImageFile): Promise<string | ImageInput> =>
  typeof file === 'string' ? file : { path: file.path, bytes: await file.read() };
