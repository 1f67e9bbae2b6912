/** An image of a sample that is decoded and preprocessed on demand. */
import { decodeImage, type ImageSize } from './decode.ts';
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
export const folderImage = (path: string, { size, preprocessing }: FolderPixels): SampledImage => ({
  path,
  load: async () => {
    const data = new Float32Array(size.channels * size.height * size.width);
    normaliseInto(data, 0, await decodeImage(path, size), preprocessing);
    return data;
  },
});
