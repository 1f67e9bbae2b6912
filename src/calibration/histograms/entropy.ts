/**
 * Entropy calibration: the threshold whose 128-level version of the distribution loses the least information (KL).
 * S. Migacz, "8-bit Inference with TensorRT", GTC 2017, S7310; bin 0 takes bin 1's count, as in NVIDIA's
 * pytorch-quantization, because the zeros of a ReLU would otherwise decide alone. Of equal minima the last one counts.
 */
import type { Histogram } from './histogram.ts';
import { toLinearBins } from './linear-bins.ts';

export const entropyBins = 2048;
const bins = entropyBins;
const levelBits = 7;
const levels = 2 ** levelBits;
/** Counts that an empty bin of Q has where P is not empty; the value is that of Apache MXNet's calibrator. */
const smoothing = 1e-4;

/** Threshold in the tensor's unit; 0 for a tensor that was zero throughout. */
export const entropyThreshold = (histogram: Histogram): number => {
  if (histogram.absoluteMax === 0) return 0;
  const { counts, width } = toLinearBins(histogram, bins);
  const edge = bestEdge(counts);
  return edge === bins ? histogram.absoluteMax : (edge + 0.5) * width;
};

/**
 * How many of the bins the threshold keeps: the number between 128 and 2048 with the least divergence.
 * @param linear counts of 2048 bins of equal width over [0, largest |x|]
 */
export const bestEdge = (linear: Float64Array): number => {
  const counts = linear.slice();
  counts[0] = counts[1]!;
  const sums = prefixSums(counts);
  const groups = new GroupTerms(sums);
  let best = bins;
  let least = Number.POSITIVE_INFINITY;
  for (let edge = levels; edge <= bins; edge++) {
    const divergence = divergenceAt(edge, counts, groups);
    if (divergence <= least) [least, best] = [divergence, edge];
  }
  return best;
};

/** Of the group with this number: `edge` bins are cut into 128 groups of nearly one size. */
const firstBin = (level: number, edge: number): number => (level * edge + levels - 1) >> levelBits;

type PrefixSums = {
  readonly mass: Float64Array;
  readonly filled: Float64Array;
  readonly entropy: Float64Array;
};

/** Sums over bins below an index: counts, how many are not empty, and count × log(count). */
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
 * What a group of bins adds to Σ P·log Q, by the group's length and its first bin. Edges near each other have most groups
 * in common, so each is computed once.
 */
class GroupTerms {
  readonly sums: PrefixSums;
  readonly #terms = new Float64Array((bins / levels + 1) * bins);
  #longest = 0;

  constructor(sums: PrefixSums) {
    this.sums = sums;
  }

  /** Summed over the groups that `edge` bins are cut into. */
  upTo(edge: number): number {
    while (this.#longest * levels < edge) this.#add(++this.#longest);
    const terms = this.#terms;
    let sum = 0;
    for (let level = 0, from = 0, to = 0; level < levels; level++, from = to) {
      to = firstBin(level + 1, edge);
      sum += terms[(to - from) * bins + from]!;
    }
    return sum;
  }

  #add(length: number): void {
    const { mass, filled } = this.sums;
    for (let from = 0, to = length; to <= bins; from++, to++) {
      const grouped = mass[to]! - mass[from]!;
      if (grouped > 0)
        this.#terms[length * bins + from] = grouped * Math.log(grouped / (filled[to]! - filled[from]!));
    }
  }
}

/**
 * KL(P ‖ Q): P is the first `edge` bins with all that lies beyond added to the last of them; Q is the same bins in 128
 * groups, each group's mass spread over its bins that are not empty. Where only what lies beyond falls into an empty
 * last bin, Q has a trace there, or a lone outlier would forbid every threshold below it.
 */
const divergenceAt = (edge: number, counts: Float64Array, groups: GroupTerms): number => {
  const { mass, filled, entropy } = groups.sums;
  const whole = mass[bins]!;
  const within = mass[edge]!;
  const beyond = whole - within;
  const last = counts[edge - 1]!;
  if (within === 0) return Number.POSITIVE_INFINITY;
  const pLogP = entropy[edge - 1]! + xLogX(last + beyond);
  let pLogQ = groups.upTo(edge);
  if (beyond > 0) {
    const from = firstBin(levels - 1, edge);
    const spread = (mass[edge]! - mass[from]!) / (filled[edge]! - filled[from]!);
    pLogQ += beyond * Math.log(last > 0 ? spread : smoothing);
  }
  return (pLogP - pLogQ) / whole - Math.log(whole) + Math.log(within);
};
