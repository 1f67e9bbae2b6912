/** Whether two graphs compute the same, but for the rounding of floats. */
import type { FloatTensor } from '../inference/session.ts';

/** Noise to signal of a float graph that sums in another order is 10⁻¹⁰ or less; an operator that is lost makes it 1. */
const mostNoise = 1e-4;

/** The same where all values are nearly one number, and what varies among them is too little to measure noise by. */
const mostNoiseOfAll = 1e-9;

/** 10·log10 of signal to noise of an output; infinity where all values are equal. */
export type Difference = { readonly output: number; readonly sqnrDb: number };

/** How the values of an output are compared. */
export type Measure = {
  /** By how much two values may differ without being counted. */
  readonly slack?: number;
  /** Signal is what differs from the mean: an offset that all values share would hide what changes. */
  readonly isCentred?: boolean;
};

type Sums = {
  readonly values: number;
  readonly sum: number;
  readonly squares: number;
  readonly noise: number;
};

/** Sums of one output over batches. */
export class OutputDifferences {
  readonly #outputs: Sums[] = [];
  readonly #measures: readonly Measure[];

  /** By outputs, in their order; those without one allow nothing and have their signal from zero. */
  constructor(measures: readonly Measure[] = []) {
    this.#measures = measures;
  }

  /** Outputs of one batch in the same order; values that are infinite or NaN in both alike are equal. */
  add(reference: readonly FloatTensor[], other: readonly FloatTensor[]): void {
    for (const [output, { data }] of reference.entries()) {
      const compared = other[output]?.data;
      const slack = this.#measures[output]?.slack ?? 0;
      const found = compared?.length === data.length ? sumsOf(data, compared, slack) : notAlike;
      this.#outputs[output] = total(this.#outputs[output] ?? none, found);
    }
  }

  /** The output that differs most, if one differs by more than rounding. */
  worst(): Difference | undefined {
    const found = this.#outputs.map((sums, output) => ({
      output,
      noise: sums.noise,
      squares: sums.squares,
      signal: this.#measures[output]?.isCentred ? centred(sums) : sums.squares,
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
const notAlike: Sums = { ...none, noise: Number.POSITIVE_INFINITY };

const total = (a: Sums, b: Sums): Sums => ({
  values: a.values + b.values,
  sum: a.sum + b.sum,
  squares: a.squares + b.squares,
  noise: a.noise + b.noise,
});

/** Σ(x − x̄)² */
const centred = ({ values, sum, squares }: Sums): number =>
  values === 0 ? 0 : Math.max(0, squares - sum ** 2 / values);

const sumsOf = (data: Float32Array, compared: Float32Array, slack: number): Sums => {
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
