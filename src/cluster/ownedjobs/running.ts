/** What status says about running pods, and when a change of it alone is worth a write. Pure. */
import { formatAge } from '../../ground/base/amounts.ts';
import { isSameJson } from '../../ground/base/same-json.ts';
import { activities } from '../../ground/contract/progress.ts';
import type { Running } from '../api/running.ts';
import { formatTime, parseTime } from '../api/times.ts';
import type { ObservedJob, ReadReport } from './observed-job.ts';

/** The fields of status that a report concerns. */
type ReportedStatus = { readonly running?: Running; readonly startedAt?: string };

/**
 * `running` for the status of an artifact: the newest report of the pod. A new leader has read none yet, and keeps the one in
 * status if it is of the same pod.
 * @param before the current status of the artifact
 */
export const describeRunning = (
  job: ObservedJob | undefined,
  before: ReportedStatus | undefined,
): Pick<ReportedStatus, 'running'> => {
  if (job?.state.kind !== 'Active' || job.state.suspended || job.startedAtMs === undefined) return {};
  if (job.report) return { running: toRunning(job.report) };
  const isSamePod = before?.startedAt === formatTime(job.startedAtMs);
  return isSamePod && before.running ? { running: before.running } : {};
};

/** One step is not enough to tell how far it is. */
const toRunning = ({ activity, done, total, perSecond, secondsLeft, readAtMs }: ReadReport): Running => ({
  activity,
  ...(total > 1 && { percent: Math.floor((100 * done) / total), done, total }),
  ...(perSecond !== undefined && { perSecond: perSecond.toFixed(1) }),
  ...(secondsLeft !== undefined && { secondsLeft: Math.round(secondsLeft) }),
  reportedAt: formatTime(readAtMs),
});

/** For example "calibrating 43%, 2m left". */
export const formatRunning = ({ activity, percent, secondsLeft }: Running): string =>
  [
    (Object.hasOwn(activities, activity) ? activities[activity] : activity) + formatPercent(percent),
    ...(secondsLeft ? [`${formatAge(secondsLeft * 1000)} left`] : []),
  ].join(', ');

/** For example " 43%"; empty if unknown. */
export const formatPercent = (percent: number | undefined): string =>
  percent === undefined ? '' : ` ${percent}%`;

/** Minimum time between two writes for the sake of progress alone, for each object, in milliseconds. */
export const progressWriteMs = 15_000;

/** A status with artifacts that may be running: that of a ModelExport or of a CalibrationTensorfile. */
type RunningStatus = ReportedStatus & {
  readonly calibration?: ReportedStatus;
  readonly export?: ReportedStatus;
  readonly engines?: readonly ReportedStatus[];
};

/** A status to write, and when to decide again, in milliseconds since the epoch. */
export type HeldStatus<S> = { readonly status: S; readonly lookAtMs?: number };

/** The next status; the current one, if they differ by progress alone and that was written a moment ago. */
export const holdProgress = <S extends RunningStatus>(
  next: S,
  before: S | undefined,
  now: number,
): HeldStatus<S> => {
  if (before === undefined || !isSameJson(next, before, progressFields)) return { status: next };
  const dueMs = Math.max(...listReportTimes(before)) + progressWriteMs;
  // A clock that is far behind that of the former leader must not make it wait for longer.
  if (now >= dueMs || now < dueMs - 2 * progressWriteMs) return { status: next };
  return { status: before, ...(!isSameJson(next, before, ['startedAt']) && { lookAtMs: dueMs }) };
};

const progressFields = ['startedAt', 'running', 'progress'] as const;

const listReportTimes = (status: RunningStatus): readonly number[] =>
  [status, status.calibration, status.export, ...(status.engines ?? [])].flatMap(
    (part) => parseTime(part?.running?.reportedAt) ?? [],
  );
