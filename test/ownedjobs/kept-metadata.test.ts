/** Metadata that the operator does not read is not kept in its memory. */
import test from 'ava';
import { annotations } from '../../src/cluster/api/labels.ts';
import { modelExportCacheOptions } from '../../src/cluster/modelexport/caches.ts';
import { jobCacheOptions, podCacheOptions } from '../../src/cluster/ownedjobs/caches.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { aModelExport } from '../builders/objects.ts';

const large = 'x'.repeat(240_000);
const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`tenant.example/${index}`, 'x']));
const scope = { namespace: undefined };
const ignore = () => {};
const bytesOf = (value: unknown): number => JSON.stringify(value).length;

const metadata = {
  ...aModelExport().metadata,
  annotations: { note: large },
  labels: { ...many, 'export.tlt.dev/stage': 'export' },
  managedFields: [{ manager: large }],
  finalizers: [large],
  ownerReferences: [
    { uid: 'uid-job', controller: true, kind: 'Job', name: large },
    ...Array.from({ length: 1000 }, (_, index) => ({ uid: `${index}`, name: 'x', kind: 'ConfigMap' })),
  ],
};

test('of a ModelExport', (t) => {
  const kept = modelExportCacheOptions(scope, ignore).project({ ...aModelExport(), metadata });
  t.true(bytesOf(kept) < 2000, `${bytesOf(kept)} bytes`);
  t.is(kept.metadata.uid, metadata.uid);
});

test('of a Job and of a pod', (t) => {
  const spec = { template: { metadata: { annotations: { note: large } }, spec: { containers: [large] } } };
  for (const cache of [jobCacheOptions(scope, ignore), podCacheOptions(scope, ignore)]) {
    const kept = cache.project({ metadata, spec, status: {} });
    t.true(bytesOf(kept) < 1000, `${bytesOf(kept)} bytes`);
    t.deepEqual(kept.metadata.ownerReferences, [
      { kind: 'Job', name: sha256(large), uid: 'uid-job', controller: true },
    ]);
    t.is(kept.metadata.labels?.['export.tlt.dev/stage'], 'export');
  }
});

test('our annotations are kept, a long value as its digest', (t) => {
  const project = (value: string) =>
    modelExportCacheOptions(scope, ignore).project({
      ...aModelExport(),
      metadata: { ...metadata, annotations: { note: large, [annotations.requestedAt]: value } },
    }).metadata.annotations;
  t.deepEqual(project('2'), { [annotations.requestedAt]: '2' });
  const first = project(`${large}1`)![annotations.requestedAt]!;
  t.true(first.length <= 256, 'it fits status');
  t.not(first, project(`${large}2`)![annotations.requestedAt]);
});
