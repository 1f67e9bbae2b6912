/** Weights of Lanczos' filter for each output of a resampling. C. E. Duchon, "Lanczos filtering in one and two dimensions", 1979. */
export type Weights = {
  /** The first source position that counts. */
  readonly first: number;
  /** Of it and those behind it; they add up to 1. */
  readonly weights: readonly number[];
};

const lobes = 3;

/** One entry for each of `target` outputs; wider than the lobes where the picture becomes smaller, as Pillow does it. */
export const lanczosWeights = (source: number, target: number): readonly Weights[] => {
  const scale = source / target;
  const filterScale = Math.max(1, scale);
  const inverse = 1 / filterScale;
  const support = lobes * filterScale;
  return Array.from({ length: target }, (_, out) => {
    const centre = (out + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(source, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (__, i) => lanczos((i + first - centre + 0.5) * inverse));
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
};

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x: number): number => (x >= -lobes && x < lobes ? sinc(x) * sinc(x / lobes) : 0);
