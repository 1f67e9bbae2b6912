/** Reports of pods are untrusted: they are accepted from one container, after a check of every field. */
import test from 'ava';
import { reasons } from '../../src/cluster/api/reasons.ts';
import type { JobObject, PodObject } from '../../src/cluster/ownedjobs/kube-shapes.ts';
import { observeJob } from '../../src/cluster/ownedjobs/observe-job.ts';
import { anEngineBuilt, anExported } from '../builders/objects.ts';

type Ended = { readonly exitCode?: number; readonly message?: string; readonly reason?: string };
type Containers = Readonly<Record<string, Ended>>;

const statuses = (containers: Containers) =>
  Object.entries(containers).map(([name, ended]) => ({
    name,
    state: { terminated: { exitCode: 0, ...ended } },
  }));

const aPod = (init: Containers, containers: Containers): PodObject => ({
  metadata: { name: 'p', namespace: 'vision', uid: 'uid-p' },
  status: { initContainerStatuses: statuses(init), containerStatuses: statuses(containers) },
});

const lastTransitionTime = '2026-01-01T00:00:00Z';
const aJob = (stage: string, type: 'Complete' | 'Failed'): JobObject => ({
  metadata: { name: 'j', namespace: 'vision', uid: 'uid-j', labels: { 'export.tlt.dev/stage': stage } },
  spec: {},
  suspendedByUs: false,
  status: { conditions: [{ type, status: 'True', lastTransitionTime }] },
});

const around = (pods: readonly PodObject[]) => ({
  pods,
  isConfirmed: false,
  warnings: [],
  hardwareOf: () => undefined,
  isLost: () => false,
  reportOf: () => undefined,
});
const stateOf = (job: JobObject, ...pods: PodObject[]) => observeJob(job, around(pods)).state;
const complete = (stage: string, ...pods: PodObject[]) => stateOf(aJob(stage, 'Complete'), ...pods);
const failed = (stage: string, ...pods: PodObject[]) => stateOf(aJob(stage, 'Failed'), ...pods);
const json = (value: unknown): Ended => ({ message: JSON.stringify(value) });

const honest = anEngineBuilt();
const forged = { ...honest, engine: { ...honest.engine, sha256: 'f'.repeat(64) } };

test('a report of the build container is not the result', (t) => {
  const pod = aPod({ stage: {}, build: json(forged) }, { publish: json(honest) });
  t.deepEqual(complete('engine', pod), { kind: 'Succeeded', result: honest });
});

test('a report of a sidecar is not the result', (t) => {
  const pod = aPod({ proxy: json(forged) }, { sidecar: json(forged), publish: json(honest) });
  t.deepEqual(complete('engine', pod), { kind: 'Succeeded', result: honest });
});

test('a report of a failed container is not the result', (t) => {
  const first = aPod({}, { publish: { ...json(forged), exitCode: 1 } });
  t.deepEqual(complete('engine', first, aPod({}, { publish: json(honest) })), {
    kind: 'Succeeded',
    result: honest,
  });
});

const exported = anExported();
const unusable = test.macro({
  exec: (t, stage: 'export' | 'engine', report: Ended, fault: RegExp) => {
    const container = stage === 'engine' ? 'publish' : 'export';
    const state = complete(stage, aPod({}, { [container]: report }));
    t.like(state, { kind: 'Failed', reason: 'ResultInvalid' });
    const { message } = state as { message: string };
    t.regex(message, fault);
    t.true(message.length < 1000, 'it fits a condition');
  },
  title: (title) => `a result that cannot be used is a failure with a reason: ${title}`,
});
test('only a kind', unusable, 'engine', json({ kind: 'EngineBuilt' }), /engine is missing/);
test('an export without artifacts', unusable, 'export', json({ kind: 'Exported' }), /etlt is missing/);
test('a result of another stage', unusable, 'engine', json(exported), /of kind Exported, not EngineBuilt/);
test(
  'a failure from a container that exited with 0',
  unusable,
  'export',
  json({ kind: 'Failed', reason: 'WrongKey', message: 'm' }),
  /of kind Failed/,
);
test('no JSON', unusable, 'engine', { message: 'done' }, /no report of a pod of ours/);
test('no message', unusable, 'engine', {}, /no report of a pod of ours/);
test('an unknown field', unusable, 'engine', json({ ...honest, note: 'x' }), /not known: note/);
test(
  'a path instead of a file name',
  unusable,
  'engine',
  json({ ...honest, engine: { ...honest.engine, file: '../../other/model.engine' } }),
  /engine\.file does not match/,
);
test(
  'a URI instead of a file name',
  unusable,
  'engine',
  json({ ...honest, engine: { ...honest.engine, file: 'pvc://exports/EVIL/model.engine' } }),
  /engine\.file does not match/,
);
test(
  'a hidden file',
  unusable,
  'engine',
  json({ ...honest, engine: { ...honest.engine, file: '.manifest' } }),
  /engine\.file does not match/,
);
test(
  'an invalid digest',
  unusable,
  'engine',
  json({ ...honest, engine: { ...honest.engine, sha256: 'x' } }),
  /engine\.sha256/,
);
test(
  'a size that the API rejects',
  unusable,
  'engine',
  json({ ...honest, engine: { ...honest.engine, sizeBytes: 1e300 } }),
  /engine\.sizeBytes/,
);
test(
  'a version that the API rejects',
  unusable,
  'engine',
  json({ ...honest, runtime: { name: 'r', version: 'v'.repeat(65) } }),
  /runtime\.version is longer than 64/,
);
test(
  'more output nodes than the API accepts',
  unusable,
  'export',
  json({ ...exported, etlt: { ...exported.etlt, outputNodes: Array(65).fill('n') } }),
  /outputNodes has 65 entries/,
);

test('without the reporting pod the result is unknown, not invalid', (t) => {
  t.like(complete('engine'), { kind: 'ResultUnknown' });
  t.like(complete('engine', aPod({ stage: {}, build: json(forged) }, {})), { kind: 'ResultUnknown' });
});

const words = (reason: unknown, message: unknown = 'm') =>
  JSON.stringify({ kind: 'Failed', reason, message });

test('a reported failure counts if its exit code agrees', (t) => {
  const pod = aPod({ stage: { exitCode: 10, message: words('WrongKey', 'the key does not open it') } }, {});
  t.deepEqual(failed('engine', pod), {
    kind: 'Failed',
    reason: 'WrongKey',
    message: 'the key does not open it',
  });
});

test('if exit code and report disagree, the exit code decides', (t) => {
  t.like(failed('engine', aPod({ build: { exitCode: 40, message: words('WrongKey') } }, {})), {
    reason: 'EngineBuildFailed',
  });
});

for (const reason of ['bad\nreason', 5, null, 'Ready', 'x'.repeat(5000)])
  test(`an unknown reason does not reach status: ${JSON.stringify(reason).slice(0, 20)}`, (t) => {
    const state = failed('engine', aPod({ build: { exitCode: 77, message: words(reason) } }, {}));
    t.like(state, { kind: 'Failed', reason: 'PodFailed' });
    t.true(Object.hasOwn(reasons, (state as { reason: string }).reason));
  });

test('the exit code of a sidecar is ignored', (t) => {
  const pod = aPod(
    {},
    { sidecar: { exitCode: 143 }, export: { exitCode: 12, message: words('InputNotFound') } },
  );
  t.like(failed('export', pod), { reason: 'InputNotFound' });
});

test('a container that the kernel killed gives OutOfMemory', (t) => {
  const pod = aPod({ build: { exitCode: 137, reason: 'OOMKilled' } }, {});
  t.like(failed('engine', pod), { reason: 'OutOfMemory' });
});

test('a pod on a node that is not ready gives NodeLost', (t) => {
  const job = { ...aJob('export', 'Complete'), status: {} };
  const pod = { ...aPod({}, {}), spec: { nodeName: 'gone' }, status: { phase: 'Running' } };
  const isLost = (node: string) => node === 'gone';
  const { state } = observeJob(job, { ...around([pod]), isLost });
  t.like(state, { kind: 'Active', blocked: { reason: 'NodeLost' } });
  t.is((observeJob(job, around([pod])).state as { blocked?: object }).blocked, undefined);
});

const failing = (message: string, pods: readonly PodObject[] = []) => {
  const conditions = [
    { type: 'Failed', status: 'True', reason: 'PodFailurePolicy', message, lastTransitionTime },
  ];
  return observeJob({ ...aJob('export', 'Failed'), status: { conditions } }, around(pods)).state;
};

test('a failed Job whose pod is not cached yet waits for the pod', (t) => {
  const message = 'Job has reached the specified backoff limit';
  const unseen = failing(message);
  t.like(unseen, { kind: 'ResultUnknown', sinceMs: Date.parse(lastTransitionTime) });
  const report = json({ kind: 'Failed', reason: 'WrongKey', message: 'no' });
  const pod = aPod({}, { export: { ...report, exitCode: 10 } });
  t.like(failing(message, [pod]), { kind: 'Failed', reason: 'WrongKey', message: 'no' });
});

test('a failure keeps its reason after the pod is deleted, by the message of the Job', (t) => {
  const words =
    'Container export for pod v/demo-1-x failed with exit code 10 matching FailJob rule at index 1';
  const lastWords = (message: string) => {
    const state = failing(message);
    return state.kind === 'ResultUnknown' ? state.otherwise : undefined;
  };
  t.like(lastWords(words), { kind: 'Failed', reason: 'WrongKey', message: words });
  t.like(lastWords(words.replace('export', 'istio-proxy')), { reason: 'PodFailed' });
  t.like(lastWords('Pod v/p has condition DisruptionTarget matching FailJob rule at index 0'), {
    reason: 'Disrupted',
  });
  t.like(lastWords('Job has reached the specified backoff limit'), { reason: 'PodFailed' });
});

test('an eviction is a disruption, unless the pod reported a permanent failure', (t) => {
  const conditions = [
    {
      type: 'DisruptionTarget',
      status: 'True',
      message: 'The node was low on resource: memory',
      lastTransitionTime,
    },
  ];
  const evicted = (ended: Ended) => {
    const pod = aPod({}, { export: { exitCode: 51, ...ended } });
    return failing('Pod v/p has condition DisruptionTarget', [
      { ...pod, status: { ...pod.status, conditions } },
    ]);
  };
  t.like(evicted({}), { reason: 'Disrupted', message: 'The node was low on resource: memory' });
  const report = json({ kind: 'Failed', reason: 'WrongKey', message: 'no' });
  t.like(evicted({ ...report, exitCode: 10 }), { reason: 'WrongKey' });
});

test('a failed Job whose cached pod still runs is not evaluated yet', (t) => {
  const pod = { ...aPod({}, {}), status: { phase: 'Running' } };
  t.is(failing('late', [pod]).kind, 'Active');
});
