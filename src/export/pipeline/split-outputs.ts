/** Splits the outputs of a batch into those of its images. */
import type { FloatTensors } from '../../graph/inference/session.ts';

/** Outputs of each image, which share the memory of the batch; undefined if an output has no row for each image. */
export const splitOutputs = (outputs: FloatTensors, images: number): readonly FloatTensors[] | undefined =>
  Object.values(outputs).every(({ dims }) => dims[0] === images)
    ? Array.from({ length: images }, (_, i) => takeImage(outputs, i))
    : undefined;

const takeImage = (outputs: FloatTensors, image: number): FloatTensors =>
  Object.fromEntries(
    Object.entries(outputs).map(([name, { data, dims }]) => {
      const [images, ...rest] = dims;
      const size = data.length / images!;
      return [name, { data: data.subarray(image * size, (image + 1) * size), dims: [1, ...rest] }];
    }),
  );
