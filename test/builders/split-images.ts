import type { Batch } from '../../src/data/preprocessing/batches.ts';

/** The images of a batch, each as a batch. */
export const splitImages = ({ data, dims, paths }: Batch): readonly Batch[] => {
  const [images, ...rest] = dims;
  const size = data.length / images;
  return paths.map((path, i) => ({
    data: data.slice(i * size, (i + 1) * size),
    dims: [1, ...rest],
    paths: [path],
  }));
};
