/** How long one run of a session takes: the median, which a busy machine moves least. */
import type { Session } from './session.ts';

export type LatencyRequest = {
  readonly inputName: string;
  /** [N,C,H,W] */
  readonly shape: readonly number[];
  /** Milliseconds, with fractions. */
  readonly clock: { now(): number };
  /** Looked at between two runs. */
  readonly signal?: AbortSignal;
};

const runs = 15;

/** Median of runs on zeros, in microseconds, after two that warm up. */
export const medianLatency = async (
  session: Session,
  { inputName, shape, clock, signal }: LatencyRequest,
): Promise<number> => {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const times: number[] = [];
  for (let run = -2; run < runs; run++) {
    signal?.throwIfAborted();
    const started = clock.now();
    await session.run({ [inputName]: { data, dims: shape } });
    if (run >= 0) times.push(clock.now() - started);
  }
  return Math.round(times.sort((a, b) => a - b)[runs >> 1]! * 1000);
};
