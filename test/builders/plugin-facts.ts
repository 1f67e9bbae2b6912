/** Jobs, pods and events as the apiserver returns them, for a ModelExport at a moment of its life. */

import type { ObservedExport } from '../../src/cluster/modelexport/observed.ts';
import type { PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import type { JobState, ReadReport } from '../../src/cluster/ownedjobs/observed-job.ts';
import type { EventObject, Facts, JobView } from '../../src/cluster/plugin/objects.ts';
import { anObserved } from './objects.ts';
import { stored, withJobs } from './stored-exports.ts';

/** When the status of `anObserved` is decided. */
export const decidedAt = Date.parse('2026-01-01T00:00:00Z');

const jobConditions: Readonly<Partial<Record<JobState['kind'], string>>> = {
  Succeeded: 'Complete',
  Failed: 'Failed',
};

const jobsOf = (observed: ObservedExport): readonly JobView[] =>
  observed.jobs.map(({ name, stage, deviceClass, state }) => {
    const condition = jobConditions[state.kind];
    return {
      metadata: {
        name,
        namespace: 'vision',
        uid: `uid-${name}`,
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: {
          'export.tlt.dev/stage': stage,
          ...(deviceClass !== undefined && { 'export.tlt.dev/device-class': deviceClass }),
        },
      },
      spec: { suspend: state.kind === 'Active' && state.suspended },
      status: {
        startTime: '2026-01-01T00:00:05Z',
        ...(condition !== undefined && {
          conditions: [{ type: condition, status: 'True', lastTransitionTime: '2026-01-01T00:00:50Z' }],
        }),
        ...(condition === 'Complete' && { completionTime: '2026-01-01T00:00:45Z' }),
      },
    };
  });

/** A pod of each Job that runs. */
const podsOf = (jobs: readonly JobView[]): readonly PodObject[] =>
  jobs
    .filter(({ spec, status }) => !spec.suspend && status?.conditions === undefined)
    .map(({ metadata: { name } }) => ({
      metadata: {
        name: `${name}-x7k2p`,
        namespace: 'vision',
        uid: `uid-${name}-x7k2p`,
        labels: { 'batch.kubernetes.io/job-name': name },
      },
      spec: { nodeName: 'gpu-1' },
      status: {
        phase: 'Running',
        initContainerStatuses: [{ name: 'stage', state: { terminated: { exitCode: 0 } } }],
        containerStatuses: [{ name: 'build', state: { running: { startedAt: '2026-01-01T00:00:10Z' } } }],
      },
    }));

/**
 * The facts after the operator decided, with Jobs in these states: `export`, and one per class.
 * @param report of the pods that run
 */
export const factsAfter = (
  states: Readonly<Record<string, JobState>>,
  changes: Partial<ObservedExport> = {},
  report?: ReadReport,
): Facts => {
  const known = withJobs(anObserved(changes), states);
  const started = report && { report, startedAtMs: decidedAt };
  const observed = { ...known, jobs: known.jobs.map((job) => ({ ...job, ...started })) };
  const jobs = jobsOf(observed);
  return { modelExport: stored(observed), jobs, pods: podsOf(jobs), warnings: [] };
};

/** A warning about an object, this many seconds after the status was decided. */
export const aWarning = (kind: string, name: string, seconds: number): EventObject => ({
  involvedObject: { kind, name },
  reason: 'FailedMount',
  message: 'volume exports is not attached',
  lastTimestamp: new Date(decidedAt + seconds * 1000).toISOString(),
});
