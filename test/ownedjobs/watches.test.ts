/** A change of a Job or a pod enqueues its owner, regardless of labels. */
import test from 'ava';
import { type JobStores, jobCacheOptions, podCacheOptions } from '../../src/cluster/ownedjobs/caches.ts';
import { enqueueChanged, makeOwnedListeners } from '../../src/cluster/ownedjobs/watches.ts';
import type { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { Store } from '../../src/cluster/runtime/store.ts';
import { aModelExport } from '../builders/objects.ts';

const ignore = () => {};
const caches = {
  jobs: jobCacheOptions({ namespace: undefined }, ignore),
  pods: podCacheOptions({ namespace: undefined }, ignore),
};

const metadata = (name: string, ownerReferences: readonly object[]) => ({
  metadata: {
    name,
    namespace: 'vision',
    uid: `uid-${name}`,
    labels: { 'export.tlt.dev/stage': 'export' },
    ownerReferences,
  },
  spec: {},
});
const ownedBy = (kind: string, name: string) => ({ kind, name, uid: `uid-${name}`, controller: true });

const aWorld = () => {
  const woken: string[] = [];
  const delays: number[] = [];
  const queueOf = (kind: string) =>
    ({
      addAfter: (key: string, delayMs: number) => {
        woken.push(`${kind} ${key}`);
        delays.push(delayMs);
      },
    }) as unknown as WorkQueue;
  const jobs: JobStores['jobs'] = new Store();
  const queues = {
    ModelExport: queueOf('ModelExport'),
    CalibrationTensorfile: queueOf('CalibrationTensorfile'),
  };
  return { woken, delays, jobs, ...makeOwnedListeners(queues, () => jobs) };
};

for (const kind of ['ModelExport', 'CalibrationTensorfile'])
  test(`a Job and its pod enqueue the ${kind} that owns them, even without its labels`, (t) => {
    const { woken, jobs, jobChanged, podChanged } = aWorld();
    const job = caches.jobs.project(metadata('job', [ownedBy(kind, 'demo')]));
    const pod = caches.pods.project(metadata('pod', [ownedBy('Job', 'job')]));
    podChanged({ before: undefined, after: pod, initial: false });
    t.deepEqual(woken, [], 'a Job that is not in the cache yet wakes its owner when it comes');
    jobs.set(job);
    jobChanged({ before: undefined, after: job, initial: false });
    podChanged({ before: pod, after: undefined, initial: false });
    t.deepEqual(woken, [`${kind} vision/demo`, `${kind} vision/demo`]);
  });

test('a Job or pod of another owner enqueues nothing', (t) => {
  const { woken, jobChanged, podChanged } = aWorld();
  const job = caches.jobs.project(
    metadata('job', [
      ownedBy('CronJob', 'nightly'),
      { ...ownedBy('ModelExport', 'demo'), controller: false },
    ]),
  );
  jobChanged({ before: undefined, after: job, initial: false });
  podChanged({
    before: undefined,
    after: caches.pods.project(metadata('pod', [ownedBy('ReplicaSet', 'web')])),
    initial: false,
  });
  t.deepEqual(woken, []);
});

/** As a kubelet and the controllers of Kubernetes change them, with nothing that is read here. */
const irrelevant = {
  jobs: { status: { active: 1, ready: 1, startTime: '2026-01-01T00:00:00Z', uncountedTerminatedPods: {} } },
  pods: {
    status: {
      podIP: '10.0.0.1',
      conditions: [{ type: 'ContainersReady', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      containerStatuses: [],
    },
  },
};

test('a change of fields that are not read enqueues nothing', (t) => {
  const { woken, jobs, jobChanged, podChanged } = aWorld();
  const rawJob = metadata('job', [ownedBy('ModelExport', 'demo')]);
  const rawPod = {
    ...metadata('pod', [ownedBy('Job', 'job')]),
    status: { conditions: [], containerStatuses: [] },
  };
  jobs.set(caches.jobs.project(rawJob));
  jobChanged({
    before: caches.jobs.project(rawJob),
    after: caches.jobs.project({ ...rawJob, ...irrelevant.jobs }),
    initial: false,
  });
  podChanged({
    before: caches.pods.project(rawPod),
    after: caches.pods.project({ ...rawPod, ...irrelevant.pods }),
    initial: false,
  });
  t.deepEqual(woken, []);
});

test('a change of only the status is reconciled after a moment, a request of the user at once', (t) => {
  const calls: string[] = [];
  const queue = {
    add: () => void calls.push('now'),
    addAfter: () => void calls.push('soon'),
  } as unknown as WorkQueue;
  const before = aModelExport({ status: { observedGeneration: 1 } });
  const changed = (metadata: object, status = before.status): void =>
    enqueueChanged(queue, {
      before,
      after: { ...before, metadata: { ...before.metadata, ...metadata }, status: status! },
      initial: false,
    });
  changed({});
  t.deepEqual(calls, [], 'the same version, listed again');
  changed({ resourceVersion: '2' }, { observedGeneration: 1, progress: 'exporting' });
  changed({ resourceVersion: '3', generation: 2 });
  changed({ resourceVersion: '4', annotations: { 'export.tlt.dev/requested-at': 'now' } });
  changed({ resourceVersion: '5', deletionTimestamp: '2026-01-01T00:00:00Z' });
  t.deepEqual(calls, ['soon', 'now', 'now', 'now']);
});

test('the end of a Job is looked at at once, the steps of its start together', (t) => {
  const { delays, jobs, jobChanged, podChanged } = aWorld();
  const raw = metadata('job', [ownedBy('ModelExport', 'demo')]);
  const job = caches.jobs.project(raw);
  const complete = { type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const ended = caches.jobs.project({ ...raw, status: { conditions: [complete] } });
  const pod = caches.pods.project(metadata('pod', [ownedBy('Job', 'job')]));
  jobs.set(job);
  jobChanged({ before: undefined, after: job, initial: false });
  podChanged({ before: undefined, after: pod, initial: false });
  jobs.set(ended);
  jobChanged({ before: job, after: ended, initial: false });
  podChanged({ before: undefined, after: pod, initial: false }); // The caches of Jobs and pods are not in step.
  podChanged({ before: pod, after: undefined, initial: false });
  t.deepEqual(delays, [5000, 5000, 50, 50, 50]);
});
