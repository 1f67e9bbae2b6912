/** What answers of the apiserver mean for writes of Jobs: one that exists, one that is gone, one of another object. */
import test from 'ava';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import { apply } from '../../src/cluster/ownedjobs/apply.ts';
import { OwnWrites } from '../../src/cluster/ownedjobs/own-writes.ts';
import { Refusals } from '../../src/cluster/ownedjobs/refusals.ts';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { HandClock } from '../base/hand-clock.ts';
import { aModelExport, anObserved } from '../builders/objects.ts';

const { signal } = new AbortController();
const modelExport = aModelExport();
const creation = decide(anObserved({ modelExport })).actions.find(({ kind }) => kind === 'CreateJob')!;
const job = creation.kind === 'CreateJob' ? creation.job : undefined!;
const reject = (status: number) => () =>
  Promise.reject(new ApiError({ status, reason: 'x', message: 'by the test' }));

/** Performs the actions; returns the names of the rejected Jobs. */
const perform = async (
  client: Partial<KubeClient>,
  actions: Parameters<typeof apply>[0]['actions'],
): Promise<readonly string[]> => {
  const clock = new HandClock();
  const refused: string[] = [];
  const deps = {
    client: client as KubeClient,
    record: async () => {},
    refusals: new Refusals(clock),
    onPerformed: () => {},
    onRefused: (_job: object, _owner: object, { reason }: ApiError) => void refused.push(reason),
    ownWrites: new OwnWrites(clock),
  };
  await apply({ actions }, modelExport, { deps, signal });
  return refused;
};

test('a Job that exists is the requested one if it has its owner and its attempt', async (t) => {
  const creating = (metadata: object) =>
    perform({ create: reject(409), read: async () => ({ ...job, metadata }) }, [creation]);
  const { metadata } = job;
  t.deepEqual(await creating(metadata), []);
  const labelled = (name: string) => ({ ...metadata, labels: { ...metadata.labels, [name]: 'other' } });
  t.deepEqual(await creating(labelled('export.tlt.dev/attempt')), ['NameTaken']);
  t.deepEqual(await creating(labelled('export.tlt.dev/model-export')), ['NameTaken']);
  t.deepEqual(await creating({ ...metadata, ownerReferences: [] }), ['NameTaken']);
});

test('a Job that is gone needs neither deletion nor suspension; another failure is one', async (t) => {
  const named = { name: 'demo', uid: 'u', stage: 'export', deviceClass: undefined, key: 'k' } as const;
  const deletion = { kind: 'DeleteJob', why: 'by the test', ...named } as const;
  const suspension = { kind: 'SuspendJob', suspend: true, ...named } as const;
  const answering = (status: number) => ({ remove: reject(status), mergePatch: reject(status) });
  await t.notThrowsAsync(perform(answering(404), [deletion, suspension]));
  await t.throwsAsync(perform(answering(500), [deletion]), { instanceOf: ApiError });
  await t.throwsAsync(perform(answering(500), [suspension]), { instanceOf: ApiError });
});
