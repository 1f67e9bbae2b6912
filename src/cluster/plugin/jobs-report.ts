/** Jobs and pods of a stage as `status` shows them. Pure. */
import { findTrue } from '../api/conditions.ts';
import { parseTime } from '../api/times.ts';
import type { ContainerStatus, PodObject } from '../ownedjobs/kube-shapes.ts';
import { type Facts, type JobView, jobNameLabel } from './objects.ts';

/** A pod of a Job. */
export type PodReport = {
  readonly name: string;
  readonly phase: string;
  readonly node?: string;
  /** The container that runs, waits or failed, with its state. */
  readonly container?: string;
};

/** A Job of a stage. */
export type JobReport = {
  readonly name: string;
  readonly state: 'Complete' | 'Failed' | 'Suspended' | 'Active';
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly pods: readonly PodReport[];
};

type Labels = Readonly<Record<string, string>>;

/** The Jobs whose labels fit, newest first. */
export const reportJobs = (
  { jobs = [], pods = [] }: Pick<Facts, 'jobs' | 'pods'>,
  fits: (labels: Labels) => boolean,
): readonly JobReport[] =>
  jobs
    .filter(({ metadata }) => fits(metadata.labels ?? {}))
    .toSorted((a, b) => createdMs(b) - createdMs(a))
    .map((job) => describeJob(job, pods));

const createdMs = ({ metadata }: JobView | PodObject): number => parseTime(metadata.creationTimestamp) ?? 0;

const describeJob = (job: JobView, pods: readonly PodObject[]): JobReport => {
  const { startTime, completionTime } = job.status ?? {};
  const end = endOf(job);
  const finishedAt = completionTime ?? end?.lastTransitionTime;
  return {
    name: job.metadata.name,
    state: end?.type ?? (job.spec.suspend ? 'Suspended' : 'Active'),
    ...(startTime !== undefined && { startedAt: startTime }),
    ...(finishedAt !== undefined && { finishedAt }),
    pods: pods
      .filter(({ metadata }) => metadata.labels?.[jobNameLabel] === job.metadata.name)
      .toSorted((a, b) => createdMs(b) - createdMs(a))
      .map(describePod),
  };
};

const endOf = ({ status }: JobView) => {
  const types = ['Complete', 'Failed'] as const;
  return types.flatMap((type) => {
    const condition = findTrue(status?.conditions, type);
    return condition ? [{ type, lastTransitionTime: condition.lastTransitionTime }] : [];
  })[0];
};

const describePod = ({ metadata, spec, status }: PodObject): PodReport => {
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const container = containers.flatMap((each) => describeContainer(each) ?? [])[0];
  return {
    name: metadata.name,
    phase: status?.phase ?? 'Pending',
    ...(spec?.nodeName !== undefined && { node: spec.nodeName }),
    ...(container !== undefined && { container }),
  };
};

/** Undefined for a container that succeeded. */
const describeContainer = ({ name, state }: ContainerStatus): string | undefined => {
  if (state?.running) return `${name} runs`;
  if (state?.waiting) return `${name} waits: ${state.waiting.reason ?? 'no reason given'}`;
  const ended = state?.terminated;
  if (ended === undefined || ended.exitCode === 0) return undefined;
  return `${name} exited with ${ended.exitCode}${ended.reason === undefined ? '' : ` (${ended.reason})`}`;
};
