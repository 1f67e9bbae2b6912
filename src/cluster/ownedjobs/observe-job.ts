/** Combines a Job, its pods and their warnings into one observed state. Pure. */

import type { Stage } from '../../ground/contract/result.ts';
import { findTrue } from '../api/conditions.ts';
import { labels } from '../api/labels.ts';
import { parseTime } from '../api/times.ts';
import type { Hardware } from '../deviceclass/hardware.ts';
import { explainLostNode, explainMissingPod, explainPending } from './blocked.ts';
import { findFinishedState } from './finished-job.ts';
import type { ContainerStatus, JobObject, PodObject, Warning } from './kube-shapes.ts';
import type { JobState, ObservedJob, ReadReport } from './observed-job.ts';
import { addReports, findCurrentPods, findEarlyParts, hasParts, isAtWork } from './parts.ts';
import { findEarlyResult } from './pod-result.ts';

/** What a Job is judged by. */
export type JobContext = {
  readonly pods: readonly PodObject[];
  /** Whether the pods were just read from the apiserver. */
  readonly isConfirmed: boolean;
  readonly warnings: readonly Warning[];
  readonly hardwareOf: (node: string) => Hardware | undefined;
  /** Whether the node exists and is not ready. */
  readonly isLost: (node: string) => boolean;
  readonly reportOf: (pod: PodObject) => ReadReport | undefined;
};

/** The observed state of a Job. */
export const observeJob = (job: JobObject, around: JobContext): ObservedJob => {
  const pods = [...around.pods].sort(newestFirst);
  const node = pods.find(({ spec }) => spec?.nodeName)?.spec?.nodeName;
  const own = job.metadata.labels ?? {};
  return {
    name: job.metadata.name,
    uid: job.metadata.uid,
    // The cache selects by this label.
    stage: own[labels.stage] as Stage,
    deviceClass: own[labels.deviceClass],
    key: own[labels.artifactKey],
    attempt: own[labels.attempt],
    template: own[labels.template] ?? '',
    state: observeState(job, pods, around),
    createdAtMs: parseTime(job.metadata.creationTimestamp),
    startedAtMs: hasParts(job) ? findFirstStart(pods) : findStartTime(pods[0]),
    finishedAtMs: findEndTime(job),
    node,
    hardware: node === undefined ? undefined : around.hardwareOf(node),
    report: hasParts(job) ? addReports(pods, around.reportOf) : pods[0] && around.reportOf(pods[0]),
    isQueued: own[labels.queue] !== undefined || isManagedElsewhere(job),
    isConfirmed: around.isConfirmed,
    suspendedByUs: job.suspendedByUs,
  };
};

/** The Job controller of Kubernetes in spec.managedBy of a Job. */
const jobController = 'kubernetes.io/job-controller';

const isManagedElsewhere = ({ spec }: JobObject): boolean =>
  (spec.managedBy ?? jobController) !== jobController;

const newestFirst = (a: PodObject, b: PodObject): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');

const observeState = (
  job: JobObject,
  pods: readonly PodObject[],
  { warnings, isLost }: JobContext,
): JobState => {
  const ended = findFinishedState(job, pods);
  if (ended) return ended;
  const isParted = hasParts(job);
  const waiting = isParted ? findCurrentPods(pods).filter(isAtWork) : pods.slice(0, 1);
  const waits = waiting.map((pod) => explainLostNode(pod, isLost) ?? explainPending(pod, warnings));
  // While one part is counted, the others may wait: for example, because there are fewer nodes than parts.
  const blocked =
    pods.length === 0 ? explainMissingPod(warnings) : waits.every(Boolean) ? waits[0] : undefined;
  const left = isParted
    ? findEarlyParts(job, pods)
    : findEarlyResult(pods, job.metadata.labels?.[labels.stage] as Stage);
  return {
    kind: 'Active',
    suspended: job.spec.suspend === true,
    ...(blocked && { blocked }),
    ...(left && { earlyResult: left }),
  };
};

/** The earliest start among the parts that are still at work; among all of them if none is. */
const findFirstStart = (pods: readonly PodObject[]): number | undefined => {
  const current = findCurrentPods(pods);
  const working = current.filter(isAtWork).flatMap((pod) => findStartTime(pod) ?? []);
  const times = working.length > 0 ? working : current.flatMap((pod) => findStartTime(pod) ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
};

/** When the first container started, init containers included. */
const findStartTime = (pod: PodObject | undefined): number | undefined => {
  const { initContainerStatuses = [], containerStatuses = [] } = pod?.status ?? {};
  const times = [...initContainerStatuses, ...containerStatuses].flatMap(listStartTimes);
  return times.length === 0 ? undefined : Math.min(...times);
};

const listStartTimes = ({ state }: ContainerStatus): readonly number[] => {
  const time = parseTime(state?.running?.startedAt ?? state?.terminated?.startedAt);
  return time === undefined ? [] : [time];
};

const findEndTime = ({ status }: JobObject): number | undefined => {
  const failed = findTrue(status?.conditions, 'Failed');
  return parseTime(status?.completionTime ?? failed?.lastTransitionTime);
};
