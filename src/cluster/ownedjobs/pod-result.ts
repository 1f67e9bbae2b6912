/**
 * Results and failures that pods report. A report is untrusted: it counts only from the container that reports for its
 * stage, only if it matches the schema, and a failure only if the exit code agrees. Pure.
 */
import { failures, reasonOfExitCode } from '../../ground/base/failures.ts';
import { parseResult, reporters, type Stage } from '../../ground/contract/result.ts';
import { labels } from '../api/labels.ts';
import { parseTime } from '../api/times.ts';
import type { ContainerStatus, PodObject, TerminatedContainer } from './kube-shapes.ts';
import type { EarlyResult, FailedJob, JobState } from './observed-job.ts';
import { isTransient } from './retry.ts';

type Success = Extract<JobState, { kind: 'Succeeded' }>;

/** All containers of our pods. Injected sidecars are not in the table. */
export const ownContainers: Readonly<Record<Stage, readonly string[]>> = {
  calibration: ['install', 'calibrate'],
  export: ['install', 'export'],
  engine: ['stage', 'build', 'publish'],
  tensorfile: ['tensorfile'],
};

/**
 * The result of a Job.
 * @param pods newest first
 * @returns undefined if no pod is known whose reporting container succeeded
 */
export const findSuccess = (pods: readonly PodObject[], stage: Stage): Success | FailedJob | undefined => {
  const { container, kind } = reporters[stage];
  const ended = pods
    .flatMap(({ status }) => listTerminated(status?.containerStatuses, [container]))
    .find(({ exitCode }) => exitCode === 0);
  if (ended === undefined) return undefined;
  const result = parseResult(ended.message);
  if (result.kind !== 'Unusable' && result.kind === kind) return { kind: 'Succeeded', result };
  const fault = result.kind === 'Unusable' ? result.fault : `it is of kind ${result.kind}, not ${kind}`;
  return {
    kind: 'Failed',
    reason: 'ResultInvalid',
    message: `container ${container} succeeded, but its result is invalid: ${fault}`,
  };
};

/**
 * The failure of a Job.
 * @param pods newest first
 * @returns undefined if no pod is known in which one of our containers failed
 */
export const findPodFailure = (pods: readonly PodObject[], stage: Stage): FailedJob | undefined => {
  const names = ownContainers[stage];
  const failed = pods.flatMap(({ metadata, status }) =>
    [
      ...listTerminated(status?.initContainerStatuses, names),
      ...listTerminated(status?.containerStatuses, names),
    ]
      .filter(({ exitCode }) => exitCode !== 0)
      .map((container) => namePart(metadata, explainTermination(container))),
  );
  // When one part fails for good, the pods of the others are stopped.
  const [first] = [...failed.filter(({ reason }) => !isTransient(reason)), ...failed];
  return first && { kind: 'Failed', ...first };
};

type Failure = Pick<FailedJob, 'reason' | 'message'>;

const namePart = ({ labels: own }: PodObject['metadata'], { reason, message }: Failure): Failure => {
  const index = own?.[labels.completionIndex];
  return { reason, message: index === undefined ? message : `part ${Number(index) + 1}: ${message}` };
};

/** The result of our own containers in a pod that has not ended. */
export const findEarlyResult = (pods: readonly PodObject[], stage: Stage): EarlyResult | undefined => {
  const state = findSuccess(pods, stage) ?? findPodFailure(pods, stage);
  if (state === undefined) return undefined;
  const ends = pods
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .flatMap(
      ({ name, state: { terminated: ended } = {} }) =>
        (ownContainers[stage].includes(name) && parseTime(ended?.finishedAt)) || [],
    );
  return ends.length === 0 ? undefined : { state, sinceMs: Math.max(...ends) };
};

const explainTermination = ({ name, exitCode, reason, message }: TerminatedContainer): Failure => {
  const reported = parseResult(message);
  if (reported.kind === 'Failed' && failures[reported.reason].exitCode === exitCode)
    return { reason: reported.reason, message: reported.message };
  if (reason === 'OOMKilled')
    return {
      reason: 'OutOfMemory',
      message: `container ${name} ran out of memory: raise its memory limit in spec.jobs`,
    };
  return {
    reason: reasonOfExitCode(exitCode) ?? 'PodFailed',
    message: `container ${name} ended with exit code ${exitCode}: ${lastLine(message)}`,
  };
};

const lastLine = (text: string | undefined): string =>
  text?.trim().split('\n').at(-1)?.slice(0, 500) || 'no termination message';

const listTerminated = (
  statuses: readonly ContainerStatus[] | undefined,
  names: readonly string[],
): readonly TerminatedContainer[] =>
  (statuses ?? []).flatMap(({ name, state }) =>
    state?.terminated && names.includes(name) ? [{ name, ...state.terminated }] : [],
  );
