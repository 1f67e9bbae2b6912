/**
 * How a pod reports its progress: one JSON object per line in the log of its working container. The log is untrusted, because
 * models, images and builder images choose what is in it: only an activity of the table and numbers within bounds count.
 */

/** What a pod can report to be doing, in words. */
export const activities = {
  Opening: 'opening the model',
  Calibrating: 'calibrating',
  Comparing: 'comparing layers',
  Equalising: 'equalising channels',
  Storing: 'storing artifacts',
  Sampling: 'sampling images',
  Building: 'building the engine',
} as const;

export type Activity = keyof typeof activities;

/** Called with the steps done and the total steps; `activity` names the work if it is not the main work of the program. */
export type ReportProgress = (done: number, total: number, activity?: Activity) => void;

/** One report. A pace is only reported by work whose steps take about the same time. */
export type ProgressReport = {
  readonly activity: Activity;
  readonly done: number;
  readonly total: number;
  readonly perSecond?: number;
  readonly secondsLeft?: number;
};

/** Upper limit of every number in a report. */
export const progressLimit = 2 ** 31 - 1;

/** The last valid report in the end of a log; undefined if there is none. */
export const findLastReport = (log: string): ProgressReport | undefined => {
  for (const line of log.split('\n').reverse()) {
    const report = parseReport(line);
    if (report) return report;
  }
  return undefined;
};

const parseReport = (line: string): ProgressReport | undefined => {
  const { progress: activity, done, total, perSecond, secondsLeft } = parseObject(line);
  if (!isActivity(activity) || !isCount(done) || !isCount(total) || done > total) return undefined;
  return {
    activity,
    done,
    total,
    ...(isAmount(perSecond) && { perSecond }),
    ...(isAmount(secondsLeft) && { secondsLeft }),
  };
};

type Line = Readonly<Record<'progress' | keyof ProgressReport, unknown>>;

const parseObject = (line: string): Partial<Line> => {
  if (!line.startsWith('{')) return {};
  try {
    return JSON.parse(line) as Partial<Line>;
  } catch {
    return {}; // Text of another program, or a line whose begin was cut off.
  }
};

const isActivity = (value: unknown): value is Activity =>
  typeof value === 'string' && Object.hasOwn(activities, value);

const isAmount = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= progressLimit;

const isCount = (value: unknown): value is number => isAmount(value) && Number.isInteger(value);
