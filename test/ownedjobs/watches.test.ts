/** A change of a Job or a pod enqueues its owner, regardless of labels. */
import test from 'ava';
import { type JobStores, jobCacheOptions, podCacheOptions } from '../../src/cluster/ownedjobs/caches.ts';
import { makeOwnedListeners } from '../../src/cluster/ownedjobs/watches.ts';
import type { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { Store } from '../../src/cluster/runtime/store.ts';

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
  const queueOf = (kind: string) =>
    ({ addAfter: (key: string) => void woken.push(`${kind} ${key}`) }) as unknown as WorkQueue;
  const jobs: JobStores['jobs'] = new Store();
  const queues = {
    ModelExport: queueOf('ModelExport'),
    CalibrationTensorfile: queueOf('CalibrationTensorfile'),
  };
  return { woken, jobs, ...makeOwnedListeners(queues, () => jobs) };
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
