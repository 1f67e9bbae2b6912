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

/** A median of five is within a few per cent of one of fifteen; networks of a few milliseconds can afford fifteen. */
const runs = { least: 5, most: 15, enoughMs: 200 } as const;

/**
 * Median latency in microseconds on zeros, after one run that is not counted: of 15 runs, or of the 5 or more that 0.2 s suffice for.
 * @throws the signal's reason, UserError as `runSession`
 */
export const measureMedianLatency = async (
  session: Session,
  { inputName, shape, clock, signal }: LatencyRequest,
): Promise<number> => {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const times: number[] = [];
  let spent = 0;
  for (let run = 0; run <= runs.most && (run <= runs.least || spent < runs.enoughMs); run++) {
    signal?.throwIfAborted();
    const started = clock.now();
    await session.run({ [inputName]: { data, dims: shape } });
    const took = clock.now() - started;
    spent += took;
    if (run > 0) times.push(took);
  }
  return Math.round(times.sort((a, b) => a - b)[times.length >> 1]! * 1000);
};
