/** Lanczos weights in fixed point, as Pillow rounds them. */
import { lanczosWeights } from './lanczos.ts';
import { precisionBits } from './resampling-kernel.ts';

/** Weights of each output along one axis. */
export type FixedWeights = {
  /** Position of the first weight of each output. */
  readonly first: Int32Array;
  /** `taps` weights per output, in units of 1/2^22. They sum up to about 2^22, so that sums of weighted levels fit into 32 bits. */
  readonly weights: Int32Array;
  /** Even, and at most one more than there are positions. Weights that the filter does not have are 0. */
  readonly taps: number;
};

const computeWeights = (source: number, target: number): FixedWeights => {
  const each = lanczosWeights(source, target);
  const most = each.reduce((longest, { weights }) => Math.max(longest, weights.length), 0);
  const taps = most + (most % 2);
  const first = Int32Array.from(each, (output) => Math.max(0, Math.min(output.first, source - taps)));
  const weights = new Int32Array(target * taps);
  for (const [out, output] of each.entries()) {
    const start = out * taps + output.first - first[out]!;
    for (let i = 0; i < output.weights.length; i++) weights[start + i] = toFixedPoint(output.weights[i]!);
  }
  return { first, weights, taps };
};

const toFixedPoint = (weight: number): number =>
  Math.trunc(weight * 2 ** precisionBits + (weight < 0 ? -0.5 : 0.5));

/** Weights that are kept in all: 4 MiB, of 200 or more pairs of a photo's side and a network's. */
const mostKept = 2 ** 20;
const kept = new Map<string, FixedWeights>();
let keptWeights = 0;

/** Weights for `target` outputs of an axis with `source` positions. The last ones are kept, because images have few sizes. */
export const fixedWeights = (source: number, target: number): FixedWeights => {
  const key = `${source} ${target}`;
  const known = kept.get(key) ?? computeWeights(source, target);
  keptWeights += kept.has(key) ? 0 : known.weights.length;
  kept.delete(key);
  kept.set(key, known); // the latest is the last
  for (const [oldest, { weights }] of kept) {
    if (keptWeights <= mostKept) break;
    kept.delete(oldest);
    keptWeights -= weights.length;
  }
  return known;
};
