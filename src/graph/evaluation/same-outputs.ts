/** Whether two graphs compute the same, but for the rounding of floats. */
import type { FloatTensor } from '../inference/session.ts';

/** Noise to signal of a float graph that sums in another order is 10⁻¹⁰ or less; an operator that is lost makes it 1. */
const mostNoise = 1e-4;

/** 10·log10 of signal to noise of an output; infinity where all values are equal. */
export type Difference = { readonly output: number; readonly sqnrDb: number };

/** Sums of one output over batches. */
export class OutputDifferences {
  readonly #signal: number[] = [];
  readonly #noise: number[] = [];

  /** Outputs of one batch in the same order; values that are infinite or NaN in both alike are equal. */
  add(reference: readonly FloatTensor[], other: readonly FloatTensor[]): void {
    for (const [output, { data }] of reference.entries()) {
      const compared = other[output]?.data;
      const { signal, noise } = compared?.length === data.length ? sums(data, compared) : notAlike;
      this.#signal[output] = (this.#signal[output] ?? 0) + signal;
      this.#noise[output] = (this.#noise[output] ?? 0) + noise;
    }
  }

  /** The output that differs most, if one differs by more than rounding. */
  worst(): Difference | undefined {
    const found = this.#noise.map((noise, output) => ({ output, noise, signal: this.#signal[output]! }));
    const beyond = found.filter(({ noise, signal }) => !(noise <= mostNoise * signal));
    const differences = beyond.map(({ output, noise, signal }) => ({
      output,
      sqnrDb: noise > 0 ? 10 * Math.log10(signal / noise) : Number.NEGATIVE_INFINITY,
    }));
    return differences.sort((a, b) => a.sqnrDb - b.sqnrDb)[0];
  }
}

const notAlike = { signal: 0, noise: Number.POSITIVE_INFINITY };

const sums = (
  data: Float32Array,
  compared: Float32Array,
): { readonly signal: number; readonly noise: number } => {
  let [signal, noise] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const [value, other] = [data[i]!, compared[i]!];
    if (Object.is(value, other) && !Number.isFinite(value)) continue;
    signal += value ** 2;
    noise += (value - other) ** 2;
  }
  return { signal, noise: Number.isNaN(noise) ? Number.POSITIVE_INFINITY : noise };
};
