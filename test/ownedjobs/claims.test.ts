/** What is read of claims and volumes, and when. */
import test from 'ava';
import { makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import { Claims, claimFactsMs } from '../../src/cluster/ownedjobs/claims.ts';
import { explainRefusal } from '../../src/cluster/ownedjobs/refusals.ts';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { HandClock } from '../base/hand-clock.ts';
import { aModelExport } from '../builders/objects.ts';

const never = new AbortController().signal;

const aReader = (objects: Record<string, object>, status = 404) => {
  const asked: string[] = [];
  const warned: string[] = [];
  const client: Pick<KubeClient, 'read'> = {
    read: async ({ plural }, { namespace = '-', name }) => {
      asked.push(`${plural} ${namespace}/${name}`);
      const found = objects[name!];
      if (found === undefined) throw new ApiError({ status, reason: 'x', message: `no ${name}` });
      return found;
    },
  };
  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: (message) => void warned.push(message),
    error: () => {},
  };
  const clock = new HandClock();
  return { asked, warned, clock, claims: new Claims({ client, clock, log }) };
};

const requirement = { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['a'] };
const volume = (term: object) => ({
  spec: { nodeAffinity: { required: { nodeSelectorTerms: [term] } } },
});
const models = { spec: { accessModes: ['ReadOnlyMany'] } };
const bound = { spec: { accessModes: ['ReadWriteOnce'], volumeName: 'pv-1' } };

test('the claims of an object, and the volumes that they are bound to, are read once in a minute', async (t) => {
  const objects = { models, exports: bound, 'pv-1': volume({ matchExpressions: [requirement] }) };
  const { asked, clock, claims } = aReader(objects);
  const wanted = [
    'persistentvolumeclaims vision/exports',
    'persistentvolumes -/pv-1',
    'persistentvolumeclaims vision/models',
  ];
  await claims.look(aModelExport(), never);
  await claims.look(aModelExport({ metadata: { name: 'other' } }), never);
  t.deepEqual(asked, wanted);
  t.deepEqual(claims.in('vision')('exports'), { accessModes: ['ReadWriteOnce'], nodeTerms: [[requirement]] });
  t.deepEqual(claims.in('vision')('models'), { accessModes: ['ReadOnlyMany'] });
  t.is(claims.in('else')('models'), undefined);
  await clock.pass(claimFactsMs);
  await claims.look(aModelExport(), never);
  t.deepEqual(asked, [...wanted, ...wanted]);
});

test('nothing is read for an object that is Ready', async (t) => {
  const { asked, claims } = aReader({ models, exports: models });
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime } as const;
  const status = { observedGeneration: 1, conditions: [ready] };
  await claims.look(aModelExport({ status }), never);
  t.deepEqual(asked, []);
  await claims.look(aModelExport({ status, metadata: { generation: 2 } }), never);
  t.is(asked.length, 2);
});

test('a claim that does not exist is unknown, and so is a volume about node fields', async (t) => {
  const field = volume({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] });
  const { claims, warned } = aReader({ exports: bound, 'pv-1': field });
  await claims.look(aModelExport(), never);
  t.is(claims.in('vision')('models'), undefined);
  t.deepEqual(claims.in('vision')('exports'), { accessModes: ['ReadWriteOnce'] });
  t.deepEqual(warned, []);
});

test('a missing permission is one warning, and changes nothing else', async (t) => {
  const { claims, warned, clock } = aReader({ exports: bound }, 403);
  await claims.look(aModelExport(), never);
  await clock.pass(claimFactsMs);
  await claims.look(aModelExport(), never);
  t.deepEqual(
    warned.map((line) => /^the operator may not get (\w+): .*grant it for an early message$/.exec(line)?.[1]),
    ['persistentvolumes', 'persistentvolumeclaims'],
  );
  t.deepEqual(claims.in('vision')('exports'), { accessModes: ['ReadWriteOnce'] });
});

test('a claim or volume that cannot be read for a moment is not absent', async (t) => {
  const objects: Record<string, object> = {
    models,
    exports: bound,
    'pv-1': volume({ matchExpressions: [requirement] }),
  };
  const { claims, clock } = aReader(objects, 503);
  await claims.look(aModelExport(), never);
  const facts = claims.in('vision')('exports');
  delete objects['pv-1'];
  await clock.pass(claimFactsMs);
  await claims.look(aModelExport(), never);
  t.deepEqual(claims.in('vision')('exports'), facts, 'as it was read last');
  const { claims: unread } = aReader({ models, exports: bound }, 503);
  await t.throwsAsync(
    unread.look(aModelExport(), never),
    { instanceOf: ApiError },
    'the reconcile is tried again',
  );
});

test('a cluster without image volumes says so, and what to do', (t) => {
  const image = `oci://registry.example.com/team/models@sha256:${'a'.repeat(64)}`;
  const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
  const message = 'spec.template.spec.volumes[1]: Required value: must specify a volume type';
  const refusal = new ApiError({ status: 422, reason: 'Invalid', message });
  const withImage = makeExportJob(aModelExport({ spec: { model: { uri: `${image}/m.tlt` } } }), images);
  const explained = explainRefusal(withImage, refusal);
  t.like(explained, { status: 422, reason: 'Invalid' });
  t.regex(explained.message, /^this cluster has no image volumes, which oci:\/\/ needs: upgrade/);
  t.is(explainRefusal(makeExportJob(aModelExport(), images), refusal), refusal);
  const other = new ApiError({ status: 422, reason: 'Invalid', message: 'another fault' });
  t.is(explainRefusal(withImage, other), other);
});
