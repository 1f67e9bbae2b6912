/** A Job, its pods and their mount warnings, as one judged state. Pure: reads what the caches hold. */

import type { Stage } from '../../ground/contract/result.ts';
import { labels } from '../api/labels.ts';
import type { Hardware } from '../deviceclass/hardware.ts';
import { blockedOf, refusedPod } from './blocked.ts';
import type { JobObject, PodObject, Warning } from './kube-shapes.ts';
import type { JobState, ObservedJob } from './observed-job.ts';
import { failureOf, successOf } from './outcome.ts';

export type JobSurroundings = {
  readonly pods: readonly PodObject[];
  readonly warnings: readonly Warning[];
  readonly hardwareOf: (node: string) => Hardware | undefined;
};

export const observeJob = (job: JobObject, around: JobSurroundings): ObservedJob => {
  const pods = [...around.pods].sort(newestFirst);
  const stage = stageOf(job);
  const node = pods.find(({ spec }) => spec?.nodeName)?.spec?.nodeName;
  return {
    name: job.metadata.name,
    uid: job.metadata.uid,
    stage,
    deviceClass: job.metadata.labels?.[labels.deviceClass],
    state: stateOf(job, pods, { stage, warnings: around.warnings }),
    attempts: (job.status?.failed ?? 0) + (job.status?.succeeded ?? 0) + (job.status?.active ?? 0),
    hardware: node === undefined ? undefined : around.hardwareOf(node),
    expires: job.spec.ttlSecondsAfterFinished !== undefined,
  };
};

/** Our own label says it: only Jobs that carry our labels are observed. */
const stageOf = ({ metadata }: JobObject): Stage => metadata.labels?.[labels.stage] as Stage;

const newestFirst = (a: PodObject, b: PodObject): number =>
  (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '');

const stateOf = (job: JobObject, pods: readonly PodObject[], around: Around): JobState => {
  const condition = (type: string) =>
    job.status?.conditions?.find((c) => c.type === type && c.status === 'True');
  const complete = condition('Complete');
  if (complete)
    return (
      successOf(pods, around.stage) ?? {
        kind: 'ResultUnknown',
        sinceMs: Date.parse(complete.lastTransitionTime),
      }
    );
  const failed = condition('Failed');
  if (failed) return givenUp(pods, failed, around.stage);
  const pod = pods[0];
  const blocked = pod ? blockedOf(pod, around.warnings) : refusedPod(around.warnings);
  return { kind: 'Active', suspended: job.spec.suspend === true, ...(blocked && { blocked }) };
};

type Around = { readonly stage: Stage; readonly warnings: readonly Warning[] };
type FailedCondition = { readonly reason?: string; readonly message?: string };

const givenUp = (pods: readonly PodObject[], condition: FailedCondition, stage: Stage): JobState => {
  if (condition.reason === 'DeadlineExceeded')
    return {
      kind: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'the Job ran longer than its deadlineSeconds in spec.jobs',
    };
  return (
    failureOf(pods, stage) ?? {
      kind: 'Failed',
      reason: 'PodFailed',
      message: condition.message ?? 'the Job failed and its pod is gone',
    }
  );
};
