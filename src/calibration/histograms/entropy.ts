/**
 * Entropy calibration: the threshold that minimises the KL divergence between a distribution and its 128-level version.
 * Source: S. Migacz, "8-bit Inference with TensorRT", GTC 2017, S7310. As in NVIDIA's pytorch-quantization, bin 0 takes the
 * count of bin 1, because the zeros of a ReLU would otherwise dominate. The last of equal minima wins.
 */
import type { Histogram } from './histogram.ts';
import { toLinearBins } from './linear-bins.ts';

/** Number of equal bins over [0, largest |x|] that the method works on. */
export const entropyBins = 2048;
const bins = entropyBins;
const levelBits = 7;
const levels = 2 ** levelBits;
/** Count of an empty bin of Q where P is not empty. Source: Apache MXNet's calibrator. */
const smoothing = 1e-4;

/** Threshold in the unit of the tensor; 0 for an all-zero tensor. */
export const entropyThreshold = (histogram: Histogram): number => {
  const { counts, width } = toLinearBins(histogram, bins);
  const edge = bestEdge(counts);
  return edge === bins ? histogram.absoluteMax : (edge + 0.5) * width;
};

/**
 * Number of bins, from 128 to 2048, below the threshold with minimum divergence.
 * @param linear counts of 2048 bins of equal width over [0, largest |x|]
 */
export const bestEdge = (linear: Float64Array): number => {
  const divergences = divergencesOf(linear);
  let best = bins;
  for (let edge = bins; edge >= levels; edge--) if (divergences[edge]! < divergences[best]!) best = edge;
  return best;
};

/**
 * Divergence at each number of bins kept, from 128 on, in nats.
 * @param linear counts of 2048 bins of equal width over [0, largest |x|]
 */
export const divergencesOf = (linear: Float64Array): Float64Array => {
  const counts = linear.slice();
  counts[0] = counts[1]!;
  const groups = new GroupTerms(prefixSums(counts));
  const divergences = new Float64Array(bins + 1);
  for (let edge = levels; edge <= bins; edge++) divergences[edge] = divergenceAt(edge, counts, groups);
  return divergences;
};

/** First bin of group `level` when `edge` bins are split into 128 groups of nearly equal size. */
const firstBin = (level: number, edge: number): number => (level * edge + levels - 1) >> levelBits;

type PrefixSums = {
  readonly mass: Float64Array;
  readonly filled: Float64Array;
  readonly entropy: Float64Array;
};

/** Prefix sums over bins: counts, number of non-empty bins, and count × log(count). */
const prefixSums = (counts: Float64Array): PrefixSums => {
  const mass = new Float64Array(bins + 1);
  const filled = new Float64Array(bins + 1);
  const entropy = new Float64Array(bins + 1);
  for (let bin = 0; bin < bins; bin++) {
    const count = counts[bin]!;
    mass[bin + 1] = mass[bin]! + count;
    filled[bin + 1] = filled[bin]! + (count > 0 ? 1 : 0);
    entropy[bin + 1] = entropy[bin]! + xLogX(count);
  }
  return { mass, filled, entropy };
};

const xLogX = (x: number): number => (x > 0 ? x * Math.log(x) : 0);

/**
 * Contribution of a group of bins to Σ P·log Q, by length and first bin. Neighbouring edges share most groups, so each is
 * computed once.
 */
class GroupTerms {
  /** For one distribution after the other. */
  static readonly #terms = new Float64Array((bins / levels + 1) * bins);
  readonly sums: PrefixSums;

  constructor(sums: PrefixSums) {
    this.sums = sums;
    for (let length = 1; length <= bins / levels; length++) this.#add(length);
  }

  /** Sum over the 128 groups of the first `edge` bins. */
  upTo(edge: number): number {
    const terms = GroupTerms.#terms;
    let sum = 0;
    for (let level = 0, from = 0, to = 0; level < levels; level++, from = to) {
      to = firstBin(level + 1, edge);
      sum += terms[(to - from) * bins + from]!;
    }
    return sum;
  }

  /** A group of this length ends within the largest edge that has such groups. */
  #add(length: number): void {
    const terms = GroupTerms.#terms;
    const { mass, filled } = this.sums;
    const last = Math.min(bins, (length + 1) * levels - 1);
    for (let from = 0, to = length; to <= last; from++, to++) {
      const grouped = mass[to]! - mass[from]!;
      terms[length * bins + from] =
        grouped > 0 ? grouped * Math.log(grouped / (filled[to]! - filled[from]!)) : 0;
    }
  }
}

/**
 * KL(P ‖ Q). P: the first `edge` bins, with the clipped mass added to the last one. Q: the same bins in 128 groups, the mass
 * of each group spread over its non-empty bins. If the last bin is empty except for clipped mass, Q gets a small count
 * there; otherwise a single outlier would rule out every threshold below it.
 */
const divergenceAt = (edge: number, counts: Float64Array, groups: GroupTerms): number => {
  const { mass, filled, entropy } = groups.sums;
  const whole = mass[bins]!;
  const within = mass[edge]!;
  const beyond = whole - within;
  const last = counts[edge - 1]!;
  if (within === 0) return Number.POSITIVE_INFINITY;
  const pLogP = entropy[edge - 1]! + xLogX(last + beyond);
  const from = firstBin(levels - 1, edge);
  const spread = (mass[edge]! - mass[from]!) / (filled[edge]! - filled[from]!);
  const pLogQ = groups.upTo(edge) + beyond * Math.log(last > 0 ? spread : smoothing);
  return (pLogP - pLogQ) / whole - Math.log(whole) + Math.log(within);
};
