/** `watch`: one line for each change of a ModelExport, and when to end. Pure. */
import { UserError } from '../../ground/base/errors.ts';
import { type FailureReason, failures } from '../../ground/base/failures.ts';
import { printable } from '../../ground/base/printable.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { Running } from '../api/running.ts';
import { formatRunning } from '../ownedjobs/running.ts';
import { titleOf } from './next.ts';
import type { Paint } from './paint.ts';
import type { StageReport, StatusReport } from './report.ts';
import { reportStatus } from './status-report.ts';
import { stateStyles } from './status-text.ts';

/** What `watch` prints of one change. */
export type Moment = Pick<StatusReport, 'state' | 'reason' | 'message' | 'enginesReady'> & {
  /** Of the stages that run. */
  readonly running: readonly (Pick<StageReport, 'stage' | 'deviceClass'> & Running)[];
  /** RFC 3339. */
  readonly time: string;
};

/** @param now milliseconds since the epoch */
export const momentOf = (modelExport: ModelExport, now: number): Moment => {
  const { state, reason, message, enginesReady, stages } = reportOf(modelExport);
  return {
    time: new Date(now).toISOString(),
    state,
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message }),
    ...(enginesReady !== undefined && { enginesReady }),
    running: stages.flatMap(({ stage, deviceClass, running }) =>
      running ? [{ stage, ...(deviceClass !== undefined && { deviceClass }), ...running }] : [],
    ),
  };
};

const reportOf = (modelExport: ModelExport): StatusReport =>
  reportStatus({ modelExport, jobs: [], pods: [], warnings: [] });

/** Whether two moments differ in more than the time. */
export const isSameMoment = (a: Moment | undefined, b: Moment): boolean =>
  a !== undefined && JSON.stringify({ ...a, time: '' }) === JSON.stringify({ ...b, time: '' });

/** The line of a moment. */
export const formatMoment = (
  { time, state, reason, message, enginesReady, running }: Moment,
  paint: Paint,
): string => {
  const engines = enginesReady === undefined ? '' : ` ${enginesReady}`;
  const why = reason === undefined ? '' : ` ${reason}: ${printable(message ?? '')}`;
  const progress = running.map((each) => `; ${titleOf(each)}: ${formatRunning(each)}`).join('');
  return `${paint('faint', time.slice(11, 19))} ${paint(stateStyles[state], state)}${engines}${why}${printable(progress)}\n`;
};

/** `true` if nothing more will happen. @throws UserError with the reason of the failure, if the export is Stalled */
export const isOver = (modelExport: ModelExport): boolean => {
  const report = reportOf(modelExport);
  if (report.state !== 'Stalled') return report.state === 'Ready';
  const { namespace, name, reason = '', message = '', stages } = report;
  const causes = [reason, ...stages.filter(({ state }) => state === 'failed').map((stage) => stage.reason)];
  const cause = causes.find((each): each is FailureReason => Object.hasOwn(failures, each));
  throw new UserError(
    cause ?? 'Internal',
    `Watching ${namespace}/${name}: it is Stalled (${reason}): ${message}`,
  );
};
