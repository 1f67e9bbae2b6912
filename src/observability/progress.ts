/** Progress of long work: a bar on a terminal, JSON lines elsewhere. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** `done` of `total`, as often as it changes. */
  update(done: number, total: number): void;
  stop(): void;
}

export type ProgressOptions = {
  readonly label: string;
  readonly terminal: boolean;
  readonly stream: NodeJS.WriteStream;
  readonly now: () => number;
};

/** Several kinds of work, one after the other, each with a bar of its own. */
export const makeProgresses = (options: ProgressOptions) => {
  const bars = new Map<string, Progress>();
  const barOf = (label: string): Progress => {
    const bar = bars.get(label) ?? makeProgress({ ...options, label });
    bars.set(label, bar);
    return bar;
  };
  return {
    /** `what` where it is not the label of the options. */
    update: (done: number, total: number, what = options.label): void => {
      barOf(what).update(done, total);
      if (done === total) barOf(what).stop();
    },
    stop: (): void => {
      for (const bar of bars.values()) bar.stop();
    },
  };
};

/** Without a terminal at most one line in this time, and one at the end. */
const lineIntervalMs = 5000;

export const makeProgress = ({ label, terminal, stream, now }: ProgressOptions): Progress => {
  if (terminal) {
    const format = `${label} {bar} {value}/{total} | {percentage}% | {duration_formatted}, {eta_formatted} left`;
    const bar = new SingleBar(
      { format, stream, hideCursor: true, clearOnComplete: false },
      Presets.shades_classic,
    );
    let started = false;
    return {
      update: (done, total) => {
        if (!started) bar.start(total, 0);
        started = true;
        bar.update(done);
      },
      stop: () => bar.stop(),
    };
  }
  const started = now();
  let last = Number.NEGATIVE_INFINITY;
  return {
    update: (done, total) => {
      if (done < total && now() - last < lineIntervalMs) return;
      last = now();
      const seconds = (now() - started) / 1000;
      stream.write(
        `${JSON.stringify({ progress: label, done, total, seconds: Number(seconds.toFixed(1)) })}\n`,
      );
    },
    stop: () => {},
  };
};
