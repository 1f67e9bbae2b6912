/** Measures the latency of sessions. The median is least affected by other load. */
import type { FloatTensor, Session } from './session.ts';

/** What to measure with. */
export type LatencyRequest = {
  readonly inputName: string;
  /** [N,C,H,W] */
  readonly images: FloatTensor;
  /** Milliseconds, with fractions. */
  readonly clock: { now(): number };
  /** Checked between two runs. */
  readonly signal?: AbortSignal;
};

/** An image of zeros, for networks without held-out images. */
export const blankImages = (dims: readonly number[]): FloatTensor => ({
  data: new Float32Array(dims.reduce((product, size) => product * size, 1)),
  dims,
});

/**
 * Each session in turns, so that other work on the machine affects all of them. The first run of a turn is not counted: it loads
 * the caches of the processor. For runs of 4 ms and more, a median of three is as close to one of 24 as one of fifteen is: other work on
 * the machine decides. Of runs of 2 ms it is 8 to 14 % too high, and small networks can afford more.
 */
const turns = { most: 5, enoughMs: 25, runs: 3 } as const;

/**
 * Median latencies in microseconds, in the order of the sessions: of 3 to 15 runs each, as many as 0.025 s suffice for.
 * @throws the signal's reason, UserError as `runSession`
 */
export const measureMedianLatencies = async (
  sessions: readonly Session[],
  { inputName, images, clock, signal }: LatencyRequest,
): Promise<readonly number[]> => {
  const times = sessions.map((): number[] => []);
  const started = clock.now();
  const isEnough = () => clock.now() - started > turns.enoughMs * sessions.length;
  for (let turn = 0; turn < turns.most && (turn === 0 || !isEnough()); turn++)
    for (const [i, session] of sessions.entries())
      for (let run = 0; run <= turns.runs; run++) {
        signal?.throwIfAborted();
        const before = clock.now();
        await session.run({ [inputName]: images });
        if (run > 0) times[i]!.push(clock.now() - before);
      }
  return times.map((each) => Math.round(each.toSorted((a, b) => a - b)[each.length >> 1]! * 1000));
};
