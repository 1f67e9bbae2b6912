/** Jobs of several parts: what their pods together have done, and what they wait for. Pure. */
import { terminalExitCodes } from '../../ground/base/failures.ts';
import { type Counted, parseResult, reporters, type Stage } from '../../ground/contract/result.ts';
import { labels } from '../api/labels.ts';
import { parseTime } from '../api/times.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';
import type { EarlyResult, JobState, ReadReport } from './observed-job.ts';
import { findPodFailure } from './pod-result.ts';

/** Whether the pods of a Job do parts of its work. */
export const hasParts = ({ metadata }: JobObject): boolean => metadata.labels?.[labels.stage] === stage;

const stage: Stage = 'calibration';
const { container } = reporters[stage];

/** The newest pod of each part. @param pods newest first */
export const findCurrentPods = (pods: readonly PodObject[]): readonly PodObject[] => {
  const parts = new Map<string, PodObject>();
  for (const pod of pods) {
    const index = pod.metadata.labels?.[labels.completionIndex] ?? pod.metadata.name;
    if (!parts.has(index)) parts.set(index, pod);
  }
  return [...parts.values()];
};

/** Whether the pod still does its part. */
export const isAtWork = ({ status }: PodObject): boolean =>
  !['Succeeded', 'Failed'].includes(status?.phase ?? '');

/** The sum of the results. The Job controller vouches for parts whose pods are gone. @param pods newest first */
export const addResults = (pods: readonly PodObject[]): Extract<JobState, { kind: 'Succeeded' }> => {
  const results = findCurrentPods(pods).flatMap((pod) => findCounted(pod) ?? []);
  const passes = results.flatMap(({ calibrationPass: pass }) => pass ?? []);
  const seconds = passes.reduce((sum, pass) => sum + Number(pass.seconds), 0);
  const result: Counted = {
    kind: 'Counted',
    images: results.reduce((sum, { images }) => sum + images, 0),
    ...(passes.length > 0 && {
      calibrationPass: {
        images: passes.reduce((sum, { images }) => sum + images, 0),
        seconds: seconds.toFixed(3),
      },
    }),
    reused: results.length > 0 && results.every(({ reused }) => reused),
  };
  return { kind: 'Succeeded', result };
};

const findReporter = (pod: PodObject) =>
  pod.status?.containerStatuses?.find(({ name }) => name === container)?.state?.terminated;

const findCounted = (pod: PodObject): Counted | undefined => {
  const ended = findReporter(pod);
  const result = parseResult(ended?.exitCode === 0 ? ended.message : undefined);
  return result.kind === 'Counted' ? result : undefined;
};

/**
 * The result of all parts while pods have not ended, because an injected container still runs. Until all parts are done, only a
 * failure counts that fails the Job anyway: the Job controller replaces the others. @param pods newest first
 */
export const findEarlyParts = ({ spec }: JobObject, pods: readonly PodObject[]): EarlyResult | undefined => {
  const current = findCurrentPods(pods);
  const ends = current.map(findReporter);
  const sinceMs = Math.max(...ends.map((end) => Date.parse(end?.finishedAt ?? '')));
  const isDone = ends.length === spec.completions && ends.every((end) => end?.exitCode === 0);
  if (isDone && Number.isFinite(sinceMs)) return { state: addResults(pods), sinceMs };
  const failed = current.filter((pod) => terminalExitCodes.includes(findReporter(pod)?.exitCode ?? 0));
  const failure = findPodFailure(failed, stage);
  const [failedAt] = failed.flatMap((pod) => parseTime(findReporter(pod)?.finishedAt) ?? []);
  return failure && failedAt !== undefined ? { state: failure, sinceMs: failedAt } : undefined;
};

/** What the pods of all parts have reported together; undefined before the first report. @param pods newest first */
export const addReports = (
  pods: readonly PodObject[],
  reportOf: (pod: PodObject) => ReadReport | undefined,
): ReadReport | undefined => {
  const current = findCurrentPods(pods);
  const reports = current.filter(isAtWork).flatMap((pod) => reportOf(pod) ?? []);
  const counting = reports.filter(({ activity }) => activity === 'Calibrating');
  if (counting.length === 0) return reports[0];
  const counted = current.reduce((sum, pod) => sum + (findCounted(pod)?.images ?? 0), 0);
  const paces = counting.flatMap(({ perSecond }) => perSecond ?? []);
  const left = counting.flatMap(({ secondsLeft }) => secondsLeft ?? []);
  return {
    activity: 'Calibrating',
    done: counting.reduce((sum, { done }) => sum + done, counted),
    total: counting.reduce((sum, { total }) => sum + total, counted),
    ...(paces.length > 0 && { perSecond: paces.reduce((sum, pace) => sum + pace, 0) }),
    ...(left.length > 0 && { secondsLeft: Math.max(...left) }),
    readAtMs: Math.max(...counting.map(({ readAtMs }) => readAtMs)),
  };
};
