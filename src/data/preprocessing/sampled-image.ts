/** A picture of a sample that can be had whenever it is needed, preprocessed as its sample is. */
import { decodeImage, type ImageSize } from './decode.ts';
import { normaliseInto, type Preprocessing } from './normalise.ts';

export type SampledImage = {
  readonly path: string;
  /** [C,H,W]. @throws UserError ImageInvalid */
  readonly load: () => Promise<Float32Array>;
};

/** What is done to a picture of a folder. */
export type FolderPixels = { readonly size: ImageSize; readonly preprocessing: Preprocessing };

export const folderImage = (path: string, { size, preprocessing }: FolderPixels): SampledImage => ({
  path,
  load: async () => {
    const data = new Float32Array(size.channels * size.height * size.width);
    normaliseInto(data, 0, await decodeImage(path, size), preprocessing);
    return data;
  },
});
