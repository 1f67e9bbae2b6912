/** Checks that two graphs compute the same apart from float rounding. */
import type { FloatTensor } from '../inference/session.ts';

/** Maximum noise-to-signal ratio. A float graph that sums in another order has at most 10⁻¹⁰; a lost operator has 1. */
const mostNoise = 1e-4;

/**
 * Maximum noise relative to Σx², for outputs whose values are nearly equal, so that their variance is too small to
 * compare noise with.
 */
const mostNoiseOfAll = 1e-9;

/** SQNR of one output in dB. */
export type Difference = { readonly output: number; readonly sqnrDb: number };

/** How the values of an output are compared. */
export type Measure = {
  /** Differences up to this size are ignored. */
  readonly slack?: number;
  /** Whether the signal is measured from the mean: a common offset would hide changes. */
  readonly isCentred?: boolean;
};

type Sums = {
  readonly values: number;
  readonly sum: number;
  readonly squares: number;
  readonly noise: number;
};

/** Sums differences per output over batches. */
export class OutputDifferences {
  readonly #outputs: Sums[] = [];
  readonly #measures: readonly Measure[];

  /** `measures` in the order of the outputs; the default is no slack, and a signal measured from zero. */
  constructor(measures: readonly Measure[] = []) {
    this.#measures = measures;
  }

  /** Adds one batch, outputs in the same order; equal infinities and NaN in both count as equal. */
  add(reference: readonly FloatTensor[], other: readonly FloatTensor[]): void {
    for (const [output, { data }] of reference.entries()) {
      const compared = other[output]?.data;
      const slack = this.#measures[output]?.slack ?? 0;
      const found = compared?.length === data.length ? sumSquares(data, compared, slack) : differentShapes;
      this.#outputs[output] = addSums(this.#outputs[output] ?? none, found);
    }
  }

  /** The output that differs most; undefined if none differs by more than rounding. */
  worst(): Difference | undefined {
    const found = this.#outputs.map((sums, output) => ({
      output,
      noise: sums.noise,
      squares: sums.squares,
      signal: this.#measures[output]?.isCentred ? centredSquares(sums) : sums.squares,
    }));
    const beyond = found.filter(
      ({ noise, signal, squares }) => !(noise <= Math.max(mostNoise * signal, mostNoiseOfAll * squares)),
    );
    const differences = beyond.map(({ output, noise, signal }) => ({
      output,
      sqnrDb: noise > 0 ? 10 * Math.log10(signal / noise) : Number.NEGATIVE_INFINITY,
    }));
    return differences.sort((a, b) => a.sqnrDb - b.sqnrDb)[0];
  }
}

const none: Sums = { values: 0, sum: 0, squares: 0, noise: 0 };
const differentShapes: Sums = { ...none, noise: Number.POSITIVE_INFINITY };

const addSums = (a: Sums, b: Sums): Sums => ({
  values: a.values + b.values,
  sum: a.sum + b.sum,
  squares: a.squares + b.squares,
  noise: a.noise + b.noise,
});

/** Σ(x − x̄)² */
const centredSquares = ({ values, sum, squares }: Sums): number =>
  values === 0 ? 0 : Math.max(0, squares - sum ** 2 / values);

const sumSquares = (data: Float32Array, compared: Float32Array, slack: number): Sums => {
  let [values, sum, squares, noise] = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    const [value, other] = [data[i]!, compared[i]!];
    if (Object.is(value, other) && !Number.isFinite(value)) continue;
    values++;
    sum += value;
    squares += value ** 2;
    if (!(Math.abs(value - other) <= slack)) noise += (value - other) ** 2;
  }
  return { values, sum, squares, noise: Number.isNaN(noise) ? Number.POSITIVE_INFINITY : noise };
};
