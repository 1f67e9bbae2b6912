/**
 * What the pods of a finished Job report. A report is a claim: it counts only from the one container that reports for
 * its kind of pod, only if its schema admits every field, and a failure only if the exit code says the same. Pure.
 */
import { failures, reasonOfExitCode } from '../../ground/base/failures.ts';
import { parseResult, reporters, type Stage } from '../../ground/contract/result.ts';
import type { ContainerStatus, PodObject, TerminatedContainer } from './kube-shapes.ts';
import type { JobState, Left } from './observed-job.ts';
import { millisecondsOf } from './times.ts';

type Failure = Extract<JobState, { kind: 'Failed' }>;
type Success = Extract<JobState, { kind: 'Succeeded' }>;

/** Every container of our pods; an injected sidecar is none of them. */
const ownContainers: Readonly<Record<Stage, readonly string[]>> = {
  export: ['install', 'export'],
  engine: ['stage', 'build', 'publish'],
  tensorfile: ['tensorfile'],
};

/** Of pods, the newest first. Undefined while no pod is known whose reporting container ended well. */
export const successOf = (pods: readonly PodObject[], stage: Stage): Success | Failure | undefined => {
  const { container, kind } = reporters[stage];
  const ended = pods
    .flatMap(({ status }) => terminated(status?.containerStatuses, [container]))
    .find(({ exitCode }) => exitCode === 0);
  if (ended === undefined) return undefined;
  const result = parseResult(ended.message);
  if (result.kind !== 'Unusable' && result.kind === kind) return { kind: 'Succeeded', result };
  const fault = result.kind === 'Unusable' ? result.fault : `it is of kind ${result.kind}, not ${kind}`;
  return {
    kind: 'Failed',
    reason: 'ResultInvalid',
    message: `container ${container} ended well, but its report cannot be used: ${fault}`,
  };
};

/** Why a pod failed; undefined where no pod is left that knows. */
export const failureOf = (pods: readonly PodObject[], stage: Stage): Failure | undefined => {
  const names = ownContainers[stage];
  const failed = pods
    .flatMap(({ status }) => [
      ...terminated(status?.initContainerStatuses, names),
      ...terminated(status?.containerStatuses, names),
    ])
    .find(({ exitCode }) => exitCode !== 0);
  return failed && { kind: 'Failed', ...causeOf(failed) };
};

/** Of a pod that has not ended: what is known since our last container ended, or one of ours failed. */
export const leftBy = (pods: readonly PodObject[], stage: Stage): Left | undefined => {
  const state = successOf(pods, stage) ?? failureOf(pods, stage);
  if (state === undefined) return undefined;
  const ends = pods
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .flatMap(
      ({ name, state: { terminated: ended } = {} }) =>
        (ownContainers[stage].includes(name) && millisecondsOf(ended?.finishedAt)) || [],
    );
  return ends.length === 0 ? undefined : { state, sinceMs: Math.max(...ends) };
};

const causeOf = ({
  name,
  exitCode,
  reason,
  message,
}: TerminatedContainer): Pick<Failure, 'reason' | 'message'> => {
  const reported = parseResult(message);
  if (reported.kind === 'Failed' && failures[reported.reason].exitCode === exitCode)
    return { reason: reported.reason, message: reported.message };
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

const lastLine = (text: string | undefined): string =>
  text?.trim().split('\n').at(-1)?.slice(0, 500) || 'it left no message';

const terminated = (
  statuses: readonly ContainerStatus[] | undefined,
  names: readonly string[],
): readonly TerminatedContainer[] =>
  (statuses ?? []).flatMap(({ name, state }) =>
    state?.terminated && names.includes(name) ? [{ name, ...state.terminated }] : [],
  );
