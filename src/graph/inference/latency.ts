/** Measures the latency of a session. The median is least affected by other load. */
import type { Session } from './session.ts';

/** What to measure with. */
export type LatencyRequest = {
  readonly inputName: string;
  /** [N,C,H,W] */
  readonly shape: readonly number[];
  /** Milliseconds, with fractions. */
  readonly clock: { now(): number };
  /** Checked between two runs. */
  readonly signal?: AbortSignal;
};

const runs = 15;

/**
 * Median latency in microseconds of 15 runs on zeros, after two warm-up runs.
 * @throws the signal's reason, UserError as `runSession`
 */
export const measureMedianLatency = async (
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
