/** An object's Jobs, pods and events are those of its namespace that have its labels; other claims are ignored. */
import test from 'ava';
import type { JobOwner } from '../../src/cluster/jobs/job.ts';
import { makeJob } from '../../src/cluster/jobs/job.ts';
import { nameJob } from '../../src/cluster/jobs/template.ts';
import { type JobStores, jobCacheOptions, podCacheOptions } from '../../src/cluster/ownedjobs/caches.ts';
import type { PodObject, Warning } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import { observeOwned } from '../../src/cluster/ownedjobs/observe-owned.ts';
import { Store } from '../../src/cluster/runtime/store.ts';
import { aModelExport, anExported } from '../builders/objects.ts';
import { aSucceededPod } from '../builders/pods.ts';

const owner: JobOwner = aModelExport();
const scope = { namespace: undefined };
const ignore = () => {};
const caches = {
  jobs: jobCacheOptions(scope, ignore),
  pods: podCacheOptions(scope, ignore),
} as const;

type Raw = {
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly object[];
};

const draft = makeJob(
  owner,
  { stage: 'export', key: 'k', folder: 'pvc://exports/k' },
  {
    containers: [],
    volumes: [],
    placement: {},
    deadlineSeconds: 60,
  },
);

const made = nameJob(draft, 'demo', { part: 'export', attempt: 'a', template: 't' });

/** The Job that the operator creates, with changes. */
const aJob = (changes: Raw = {}, status: object = {}) => ({
  metadata: { ...made.metadata, uid: 'uid-job', ...changes },
  spec: {},
  status,
});

const complete = {
  conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
};

const aPod = (sha256: string, changes: Raw = {}) => ({
  metadata: {
    name: 'demo-export-1-x',
    namespace: 'vision',
    uid: 'uid-pod',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: made.metadata.labels,
    ownerReferences: [{ uid: 'uid-job', controller: true, kind: 'Job', name: 'demo-export-1' }],
    ...changes,
  },
  status: aSucceededPod('export', { ...anExported(), etlt: { ...anExported().etlt, sha256 } }),
});

const honest = 'a'.repeat(64);
const forged = 'f'.repeat(64);
const newer = { creationTimestamp: '2026-01-02T00:00:00Z' };

type Contents = {
  readonly jobs?: readonly object[];
  readonly pods?: readonly object[];
  readonly freshPods?: readonly PodObject[];
  readonly warnings?: Readonly<Record<string, readonly Warning[]>>;
};

const observed = ({ jobs = [], pods = [], warnings = {}, freshPods }: Contents) => {
  const stores: JobStores = {
    jobs: new Store(caches.jobs.indexes),
    pods: new Store(caches.pods.indexes),
  };
  for (const object of jobs) stores.jobs.set(caches.jobs.project(object));
  for (const object of pods) stores.pods.set(caches.pods.project(object));
  return observeOwned(stores, owner, {
    hardwareOf: () => undefined,
    isLost: () => false,
    freshPods,
    reportOf: () => undefined,
    warningsAbout: (uid) => warnings[uid] ?? [],
  });
};

const digestIn = (contents: Contents): string | undefined => {
  const [only] = observed(contents);
  return only?.state.kind === 'Succeeded' && only.state.result.kind === 'Exported'
    ? only.state.result.etlt.sha256
    : undefined;
};

const ignored = test.macro({
  exec: (t, changes: Raw) => {
    const pods = [aPod(honest), aPod(forged, { name: 'evil', uid: 'uid-evil', ...newer, ...changes })];
    t.is(digestIn({ jobs: [aJob({}, complete)], pods }), honest);
  },
  title: (title) => `a pod that claims the Job is ignored: ${title}`,
});
test('from another namespace, with all labels', ignored, { namespace: 'attacker' });
test('without our labels', ignored, { labels: { 'app.kubernetes.io/managed-by': 'tlt-export-operator' } });

test('a Job and a pod stay ours when a policy overwrites shared labels', (t) => {
  const labels = { ...made.metadata.labels, 'app.kubernetes.io/managed-by': 'Helm' };
  t.is(digestIn({ jobs: [aJob({ labels }, complete)], pods: [aPod(honest, { labels })] }), honest);
});
test('with the labels of another content key', ignored, {
  labels: { ...made.metadata.labels, 'export.tlt.dev/artifact-key': 'other' },
});
test('that the Job does not control', ignored, { ownerReferences: [{ uid: 'uid-job', kind: 'Job' }] });

const noJob = test.macro({
  exec: (t, changes: Raw) => {
    const pod = aPod(forged, { namespace: changes.namespace ?? 'vision' });
    t.deepEqual(observed({ jobs: [aJob(changes, complete)], pods: [pod] }), []);
  },
  title: (title) => `a Job that claims the object is ignored: ${title}`,
});
test('from another namespace, with all labels', noJob, { namespace: 'attacker' });
test('without the label of the name', noJob, {
  labels: { ...made.metadata.labels, 'export.tlt.dev/model-export': 'other' },
});
test('without the label of the uid', noJob, {
  labels: { ...made.metadata.labels, 'export.tlt.dev/model-export-uid': 'other' },
});
test('of a stage that does not exist', noJob, {
  labels: { ...made.metadata.labels, 'export.tlt.dev/stage': 'constructor' },
});
test('without an ownerReference', noJob, { ownerReferences: [] });

const blockedBy = (contents: Contents): string | undefined => {
  const [only] = observed(contents);
  return only?.state.kind === 'Active' ? only.state.blocked?.reason : undefined;
};

test('events are listed by the uid of a pod, and only for pods of the Job', (t) => {
  const pending = { ...aPod(honest), status: { phase: 'Pending' } };
  const missing = [{ reason: 'FailedMount', message: 'secret "classifier-key" not found' }];
  t.is(blockedBy({ jobs: [aJob()], pods: [pending], warnings: { 'uid-pod': missing } }), 'KeySecretMissing');
  t.is(blockedBy({ jobs: [aJob()], pods: [pending], warnings: { 'uid-evil': missing } }), undefined);
});

test('a Job that cannot create its pod shows the message of the Job controller', (t) => {
  const refused = [{ reason: 'FailedCreate', message: 'exceeded quota: compute' }];
  t.is(blockedBy({ jobs: [aJob()], warnings: { 'uid-job': refused } }), 'PodRefused');
  t.is(blockedBy({ jobs: [aJob()], pods: [aPod(honest)], warnings: { 'uid-job': refused } }), undefined);
});

test('pods that were just read replace those of the cache, by the same rules', (t) => {
  const contents = { jobs: [aJob({}, complete)], pods: [] };
  const read = (pod: object) => ({ ...contents, freshPods: [caches.pods.project(pod)] });
  t.is(digestIn(contents), undefined);
  t.is(digestIn(read(aPod(honest))), honest);
  t.is(digestIn(read(aPod(forged, { labels: {} }))), undefined);
  t.deepEqual(
    [contents, read(aPod(honest))].map((each) => observed(each)[0]!.isConfirmed),
    [false, true],
  );
});
