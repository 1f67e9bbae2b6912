/** Progress of long work: a bar on a terminal, JSON lines otherwise. */
import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** Reports `done` of `total`; may be called often. */
  update(done: number, total: number): void;
  stop(): void;
}

export type ProgressOptions = {
  readonly label: string;
  readonly terminal: boolean;
  readonly stream: NodeJS.WriteStream;
  readonly now: () => number;
};

/** Progress of several steps, each with its own bar. */
export const makeProgresses = (options: ProgressOptions) => {
  const bars = new Map<string, Progress>();
  const barOf = (label: string): Progress => {
    const bar = bars.get(label) ?? makeProgress({ ...options, label });
    bars.set(label, bar);
    return bar;
  };
  return {
    /** `what`: the step, if not the label of the options. */
    update: (done: number, total: number, what = options.label): void => {
      barOf(what).update(done, total);
      if (done === total) barOf(what).stop();
    },
    stop: (): void => {
      for (const bar of bars.values()) bar.stop();
    },
  };
};

/** Without a terminal: minimum time between two lines, except for the last one. */
const lineIntervalMs = 5000;

type Pace = { readonly seconds: number; readonly perSecond?: number; readonly secondsLeft?: number };

/** Rate since the first report, and the remaining time at that rate; undefined at the start. */
const pace = (now: () => number): ((done: number, total: number) => Pace) => {
  let first: { readonly at: number; readonly done: number } | undefined;
  return (done, total) => {
    first ??= { at: now(), done };
    const seconds = (now() - first.at) / 1000;
    const perSecond = (done - first.done) / seconds;
    if (!(perSecond > 0)) return { seconds: roundToTenth(seconds) };
    return {
      seconds: roundToTenth(seconds),
      perSecond: roundToTenth(perSecond),
      secondsLeft: roundToTenth((total - done) / perSecond),
    };
  };
};

const roundToTenth = (value: number): number => Number(value.toFixed(1));

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
