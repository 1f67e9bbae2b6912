/** A Job, its pods and their mount warnings, as one judged state. Pure: reads what the caches hold. */

import { reasonOfExitCode } from '../../ground/base/failures.ts';
import { parseResult } from '../../ground/contract/result.ts';
import { labels } from '../api/labels.ts';
import type { Hardware } from '../deviceclass/hardware.ts';
import type { Stage } from '../jobs/job.ts';
import { blockedOf } from './blocked.ts';
import type { JobObject, MountWarning, PodObject, TerminatedContainer } from './kube-shapes.ts';
import type { JobState, ObservedJob } from './observed-job.ts';

export type JobSurroundings = {
  readonly pods: readonly PodObject[];
  readonly warnings: readonly MountWarning[];
  readonly hardwareOf: (node: string) => Hardware | undefined;
};

export const observeJob = (job: JobObject, around: JobSurroundings): ObservedJob => {
  const pods = [...around.pods].sort(newestFirst);
  const node = pods.find(({ spec }) => spec?.nodeName)?.spec?.nodeName;
  return {
    name: job.metadata.name,
    uid: job.metadata.uid,
    stage: job.metadata.labels?.[labels.stage] as Stage,
    deviceClass: job.metadata.labels?.[labels.deviceClass],
    state: stateOf(job, pods, around.warnings),
    attempts: (job.status?.failed ?? 0) + (job.status?.succeeded ?? 0) + (job.status?.active ?? 0),
    hardware: node === undefined ? undefined : around.hardwareOf(node),
    expires: job.spec.ttlSecondsAfterFinished !== undefined,
  };
};

const newestFirst = (a: PodObject, b: PodObject): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');

const stateOf = (job: JobObject, pods: readonly PodObject[], warnings: readonly MountWarning[]): JobState => {
  const condition = (type: string) =>
    job.status?.conditions?.find((c) => c.type === type && c.status === 'True');
  const complete = condition('Complete');
  if (complete)
    return succeeded(pods) ?? { kind: 'ResultUnknown', sinceMs: Date.parse(complete.lastTransitionTime) };
  const failed = condition('Failed');
  if (failed) return failureOf(pods, failed);
  const pod = pods[0];
  const blocked = pod && blockedOf(pod, warnings);
  return { kind: 'Active', suspended: job.spec.suspend === true, ...(blocked && { blocked }) };
};

const succeeded = (pods: readonly PodObject[]): JobState | undefined => {
  for (const { message } of pods.flatMap(terminatedContainers)) {
    const result = parseResult(message);
    if (result && result.kind !== 'Failed') return { kind: 'Succeeded', result };
  }
  return undefined;
};

type FailedCondition = { readonly reason?: string; readonly message?: string };

const failureOf = (pods: readonly PodObject[], condition: FailedCondition): JobState => {
  if (condition.reason === 'DeadlineExceeded')
    return {
      kind: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'the Job ran longer than its deadlineSeconds in spec.jobs',
    };
  const container = pods.flatMap(terminatedContainers).find(({ exitCode }) => exitCode !== 0);
  if (!container)
    return {
      kind: 'Failed',
      reason: 'PodFailed',
      message: condition.message ?? 'the Job failed and its pod is gone',
    };
  return { kind: 'Failed', ...causeOf(container) };
};

const causeOf = ({
  name,
  exitCode,
  reason,
  message,
}: TerminatedContainer): Pick<Failure, 'reason' | 'message'> => {
  const result = parseResult(message);
  if (result?.kind === 'Failed') return { reason: result.reason, message: result.message };
  if (reason === 'OOMKilled')
    return {
      reason: 'OutOfMemory',
      message: `container ${name} ran out of memory: raise its limit in spec.jobs`,
    };
  return {
    reason: reasonOfExitCode(exitCode) ?? 'PodFailed',
    message: `container ${name} ended with exit code ${exitCode}: ${lastLine(message)}`,
  };
};

type Failure = Extract<JobState, { kind: 'Failed' }>;

const lastLine = (text: string | undefined): string =>
  text?.trim().split('\n').at(-1)?.slice(0, 500) || 'it left no message';

const terminatedContainers = (pod: PodObject): readonly TerminatedContainer[] =>
  [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].flatMap(
    ({ name, state }) => (state?.terminated ? [{ name, ...state.terminated }] : []),
  );
