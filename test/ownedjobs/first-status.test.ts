/** The first reconcile of an object answers its user, and the next one creates its Job. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { decide } from '../../src/cluster/modelexport/decide.ts';
import type { ApplyDeps } from '../../src/cluster/ownedjobs/apply.ts';
import type { JobStores } from '../../src/cluster/ownedjobs/caches.ts';
import { Claims } from '../../src/cluster/ownedjobs/claims.ts';
import { OwnWrites } from '../../src/cluster/ownedjobs/own-writes.ts';
import { makeOwnerReconciler, type ReconcilerDeps } from '../../src/cluster/ownedjobs/reconciler.ts';
import { Refusals } from '../../src/cluster/ownedjobs/refusals.ts';
import { Reports } from '../../src/cluster/ownedjobs/reports.ts';
import { Warnings } from '../../src/cluster/ownedjobs/warnings.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Store } from '../../src/cluster/runtime/store.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { HandClock } from '../base/hand-clock.ts';
import { aModelExport, anObserved } from '../builders/objects.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const never = new AbortController().signal;

const aWorld = (present: { modelExport: ModelExport }) => {
  const requests: string[] = [];
  const client = {
    read: async () => ({}),
    replace: async () => void requests.push('status'),
    create: async () => void requests.push('Job'),
    list: async () => ({ items: [] }),
  } as unknown as KubeClient;
  const clock = new HandClock();
  const deps: ReconcilerDeps<JobStores> & ApplyDeps = {
    client,
    clock,
    record: async () => {},
    onPerformed: () => {},
    onRefused: () => {},
    refusals: new Refusals(clock),
    ownWrites: new OwnWrites(clock),
    claims: new Claims({ client, clock, log: silent }),
    warnings: new Warnings({ client, clock, log: silent }),
    reports: new Reports(),
    stores: { jobs: new Store(), pods: new Store() } as unknown as JobStores,
    images: { worker: 'worker:dev', rtx: 'rtx:dev' },
  };
  const reconcile = makeOwnerReconciler(
    {
      find: () => present.modelExport,
      observe: () => anObserved(present),
      ownerOf: ({ modelExport }) => modelExport,
      decide,
    },
    deps,
  );
  return { requests, look: () => reconcile('vision/demo', never) };
};

test('an object without a status gets one, and its Job once the cache has the status', async (t) => {
  const present = { modelExport: aModelExport() };
  const { requests, look } = aWorld(present);
  await look();
  t.deepEqual(requests, ['status']);
  await look();
  t.deepEqual(requests, ['status'], 'the cache is behind');
  const [first] = decide(anObserved(present)).actions;
  present.modelExport = aModelExport({
    metadata: { resourceVersion: '2' },
    ...(first?.kind === 'WriteStatus' && { status: first.status }),
  });
  await look();
  t.deepEqual(requests, ['status', 'Job']);
});

test('an object of another controller gets neither, and is not looked at again', async (t) => {
  const modelExport = aModelExport({ spec: { managedBy: 'example.com/other' } });
  const { requests, look } = aWorld({ modelExport });
  t.deepEqual(await look(), { requeueAfterMs: undefined });
  t.deepEqual(requests, []);
});
