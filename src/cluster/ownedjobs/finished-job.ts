/** The result or failure of a finished Job, from its conditions and its pods. Pure. */

import { type FailureReason, reasonOfExitCode } from '../../ground/base/failures.ts';
import type { Stage } from '../../ground/contract/result.ts';
import { findTrue } from '../api/conditions.ts';
import { labels } from '../api/labels.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';
import type { FailedJob, JobState } from './observed-job.ts';
import { addResults, hasParts } from './parts.ts';
import { findPodFailure, findSuccess, ownContainers } from './pod-result.ts';
import { isTransient } from './retry.ts';

/**
 * The final state of a Job.
 * @returns undefined if the Job is not finished, or if a cached pod still runs: one of the caches is outdated
 */
export const findFinishedState = (job: JobObject, pods: readonly PodObject[]): JobState | undefined => {
  const stage = job.metadata.labels?.[labels.stage] as Stage;
  const complete = findTrue(job.status?.conditions, 'Complete');
  if (complete && hasParts(job)) return addResults(pods);
  if (complete) return findSuccess(pods, stage) ?? awaitPod(complete, resultLost);
  const failed = findTrue(job.status?.conditions, 'Failed');
  if (failed === undefined || pods.some(isRunning)) return undefined;
  const failure = explainFailedJob(failed, pods, stage);
  return pods.length === 0 ? awaitPod(failed, failure) : failure;
};

/** The cache of pods can be older than that of Jobs, and the pod has the result. */
const awaitPod = (ended: { readonly lastTransitionTime: string }, otherwise: FailedJob): JobState => ({
  kind: 'ResultUnknown',
  sinceMs: Date.parse(ended.lastTransitionTime),
  otherwise,
});

const resultLost: FailedJob = {
  kind: 'Failed',
  reason: 'ResultLost',
  message: 'the Job completed, but its pod was deleted before the operator read the result',
};

const isRunning = ({ status, metadata }: PodObject): boolean =>
  metadata.deletionTimestamp === undefined && ['Pending', 'Running'].includes(status?.phase ?? '');

type FailedCondition = { readonly reason?: string; readonly message?: string };

const explainFailedJob = (
  { reason, message = 'the Job failed, and its pod was deleted' }: FailedCondition,
  pods: readonly PodObject[],
  stage: Stage,
): FailedJob => {
  if (reason === 'DeadlineExceeded')
    return {
      kind: 'Failed',
      reason,
      message: `another controller or policy set a deadline on the Job: ${message}`,
    };
  const reported = findPodFailure(pods, stage);
  const disruption = findDisruption(message, pods);
  if (disruption && (reported === undefined || isTransient(reported.reason))) return disruption;
  return reported ?? { kind: 'Failed', reason: parseExitCodeReason(message, stage) ?? 'PodFailed', message };
};

const findDisruption = (message: string, pods: readonly PodObject[]): FailedJob | undefined => {
  const conditions = pods.flatMap(({ status }) => status?.conditions ?? []);
  const condition = findTrue(conditions, 'DisruptionTarget');
  if (condition === undefined && !message.includes('DisruptionTarget')) return undefined;
  return { kind: 'Failed', reason: 'Disrupted', message: condition?.message ?? message };
};

/**
 * The Job controller reports the container and the exit code that matched a rule of podFailurePolicy, even after the pod is
 * deleted. The exit code of an injected container is no result of ours.
 */
const parseExitCodeReason = (message: string, stage: Stage): FailureReason | undefined => {
  const [, container = '', code] =
    /^Container (\S+) for pod \S+ failed with exit code (\d+)/.exec(message) ?? [];
  return ownContainers[stage].includes(container) ? reasonOfExitCode(Number(code)) : undefined;
};
