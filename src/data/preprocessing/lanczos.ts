/** Lanczos filter weights of one output. C. E. Duchon, "Lanczos filtering in one and two dimensions", 1979. */
export type Weights = {
  /** First source position with a weight. */
  readonly first: number;
  /** Weights of `first` and the positions after it; their sum is 1. */
  readonly weights: Float64Array;
};

const lobes = 3;

/** Weights for each of `target` outputs. Like Pillow, it widens the filter by source / target when downscaling. */
export const lanczosWeights = (source: number, target: number): readonly Weights[] => {
  const scale = source / target;
  const filterScale = Math.max(1, scale);
  const inverse = 1 / filterScale;
  const support = lobes * filterScale;
  return Array.from({ length: target }, (_, out) => {
    const centre = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(source, Math.trunc(centre + support + 0.5));
    const weights = new Float64Array(end - first);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) {
      weights[i] = lanczos((i + first - centre + 0.5) * inverse);
      sum += weights[i]!;
    }
    for (let i = 0; i < weights.length; i++) weights[i]! /= sum;
    return { first, weights };
  });
};

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x: number): number => (x >= -lobes && x < lobes ? sinc(x) * sinc(x / lobes) : 0);
