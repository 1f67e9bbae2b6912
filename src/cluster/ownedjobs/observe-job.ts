/** A Job, its pods and their mount warnings, as one judged state. Pure: reads what the caches hold. */
import type { Stage } from '../../ground/contract/result.ts';
import { labels } from '../api/labels.ts';
import type { Hardware } from '../deviceclass/hardware.ts';
import { blockedOf, lostWith, refusedPod } from './blocked.ts';
import { endOf } from './end-of-job.ts';
import type { ContainerStatus, JobObject, PodObject, Warning } from './kube-shapes.ts';
import type { JobState, ObservedJob } from './observed-job.ts';
import { leftBy } from './outcome.ts';
import { millisecondsOf } from './times.ts';

export type JobSurroundings = {
  readonly pods: readonly PodObject[];
  readonly warnings: readonly Warning[];
  readonly hardwareOf: (node: string) => Hardware | undefined;
  /** Whether the node is known and not ready. */
  readonly isLost: (node: string) => boolean;
};

export const observeJob = (job: JobObject, around: JobSurroundings): ObservedJob => {
  const pods = [...around.pods].sort(newestFirst);
  const node = pods.find(({ spec }) => spec?.nodeName)?.spec?.nodeName;
  const own = job.metadata.labels ?? {};
  return {
    name: job.metadata.name,
    uid: job.metadata.uid,
    // Our own label says it: only Jobs that carry our labels are observed.
    stage: own[labels.stage] as Stage,
    deviceClass: own[labels.deviceClass],
    attempt: own[labels.attempt],
    template: own[labels.template] ?? '',
    state: stateOf(job, pods, around),
    startedAtMs: startOf(pods[0]),
    finishedAtMs: endTimeOf(job),
    node,
    hardware: node === undefined ? undefined : around.hardwareOf(node),
    isQueued: own[labels.queue] !== undefined || isManagedElsewhere(job),
    suspendedByUs: job.suspendedByUs,
  };
};

/** What the Job controller of Kubernetes itself is called in spec.managedBy. */
const jobController = 'kubernetes.io/job-controller';

const isManagedElsewhere = ({ spec }: JobObject): boolean =>
  (spec.managedBy ?? jobController) !== jobController;

const newestFirst = (a: PodObject, b: PodObject): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');

const stateOf = (
  job: JobObject,
  pods: readonly PodObject[],
  { warnings, isLost }: JobSurroundings,
): JobState => {
  const ended = endOf(job, pods);
  if (ended) return ended;
  const pod = pods[0];
  const blocked = pod ? (lostWith(pod, isLost) ?? blockedOf(pod, warnings)) : refusedPod(warnings);
  const left = leftBy(pods, job.metadata.labels?.[labels.stage] as Stage);
  return {
    kind: 'Active',
    suspended: job.spec.suspend === true,
    ...(blocked && { blocked }),
    ...(left && { left }),
  };
};

/** When the first container started: an init container, too. */
const startOf = (pod: PodObject | undefined): number | undefined => {
  const { initContainerStatuses = [], containerStatuses = [] } = pod?.status ?? {};
  const times = [...initContainerStatuses, ...containerStatuses].flatMap(startedAt);
  return times.length === 0 ? undefined : Math.min(...times);
};

const startedAt = ({ state }: ContainerStatus): readonly number[] => {
  const time = millisecondsOf(state?.running?.startedAt ?? state?.terminated?.startedAt);
  return time === undefined ? [] : [time];
};

const endTimeOf = ({ status }: JobObject): number | undefined => {
  const failed = status?.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True');
  return millisecondsOf(status?.completionTime ?? failed?.lastTransitionTime);
};
