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

type Pace = { readonly seconds: number; readonly perSecond?: number; readonly secondsLeft?: number };

/** What is done per second since the first that was told, and what is left at that rate; unknown at the start. */
const pace = (now: () => number): ((done: number, total: number) => Pace) => {
  let first: { readonly at: number; readonly done: number } | undefined;
  return (done, total) => {
    first ??= { at: now(), done };
    const seconds = (now() - first.at) / 1000;
    const perSecond = (done - first.done) / seconds;
    if (!(perSecond > 0)) return { seconds: rounded(seconds) };
    return {
      seconds: rounded(seconds),
      perSecond: rounded(perSecond),
      secondsLeft: rounded((total - done) / perSecond),
    };
  };
};

const rounded = (value: number): number => Number(value.toFixed(1));

const makeProgress = ({ label, terminal, stream, now }: ProgressOptions): Progress => {
  const paceAt = pace(now);
  if (terminal) {
    const format = `${label} {bar} {value}/{total} | {percentage}% | {perSecond}/s | {duration_formatted}, {eta_formatted} left`;
    const bar = new SingleBar(
      { format, stream, hideCursor: true, clearOnComplete: false },
      Presets.shades_classic,
    );
    let started = false;
    return {
      update: (done, total) => {
        const { perSecond = '–' } = paceAt(done, total);
        if (!started) bar.start(total, 0, { perSecond });
        started = true;
        bar.update(done, { perSecond });
      },
      stop: () => bar.stop(),
    };
  }
  let last = Number.NEGATIVE_INFINITY;
  return {
    update: (done, total) => {
      const line = { progress: label, done, total, ...paceAt(done, total) };
      if (done < total && now() - last < lineIntervalMs) return;
      last = now();
      stream.write(`${JSON.stringify(line)}\n`);
    },
    stop: () => {},
  };
};
