/** `kubectl modelexport retry`, `verify`, `suspend` and `resume`: the operator understands what they write. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { requestedVerification, requestsRetry } from '../../src/cluster/ownedjobs/request.ts';
import { retry, setSuspended, verify } from '../../src/cluster/plugin/requests.ts';
import { aModelExport, anEngineBuilt, anExported } from '../builders/objects.ts';
import { factsAfter } from '../builders/plugin-facts.ts';

const token = '2026-01-01T00:00:00.000Z';
const exported = { kind: 'Succeeded', result: anExported() } as const;
const built = { kind: 'Succeeded', result: anEngineBuilt() } as const;
const refused = { kind: 'Failed', reason: 'EngineBuildFailed', message: 'the builder refused' } as const;
const failed = factsAfter({ export: exported, ampere: refused, cpu: built }).modelExport;

const annotated = (patch: object | undefined): ModelExport =>
  ({
    ...failed,
    metadata: { ...failed.metadata, ...(patch as { readonly metadata: object }).metadata },
  }) as ModelExport;

test('retry requests another attempt of everything, or of one class', (t) => {
  const all = annotated(retry(failed, { token, deviceClass: undefined }).patch);
  t.true(requestsRetry(all) && requestsRetry(all, 'ampere'));
  const one = annotated(retry(failed, { token, deviceClass: 'ampere' }).patch);
  t.deepEqual(
    [requestsRetry(one), requestsRetry(one, 'ampere'), requestsRetry(one, 'cpu')],
    [false, true, false],
  );
});

test('verify requests a check of everything, or of one class', (t) => {
  const all = annotated(verify(failed, { token, deviceClass: undefined }).patch);
  t.is(requestedVerification(all, 'cpu'), token);
  const one = annotated(verify(failed, { token, deviceClass: 'cpu' }).patch);
  t.deepEqual([requestedVerification(one), requestedVerification(one, 'cpu')], [undefined, `cpu=${token}`]);
});

test('retry of a Ready export changes nothing', (t) => {
  const ready = factsAfter({ export: exported, ampere: built, cpu: built }).modelExport;
  t.deepEqual(retry(ready, { token, deviceClass: undefined }), {
    message: 'vision/demo is Ready: nothing failed, nothing was changed',
  });
});

test('retry of a suspended export is refused, because nothing would start', (t) => {
  const suspended = aModelExport({ spec: { suspend: true } });
  t.throws(() => retry(suspended, { token, deviceClass: undefined }), {
    message: /is suspended\. Run kubectl modelexport resume demo -n vision first/,
  });
});

test('a class that the export does not have is refused', (t) => {
  t.throws(() => retry(failed, { token, deviceClass: 'amper' }), {
    message: /no device class 'amper'. Did you mean ampere\?/,
  });
  t.throws(() => verify(failed, { token, deviceClass: 'turing' }), {
    message: /Its classes are: ampere, cpu/,
  });
});

test('suspend and resume set spec.suspend once', (t) => {
  const running = aModelExport();
  t.deepEqual(setSuspended(running, true).patch, { spec: { suspend: true } });
  t.deepEqual(setSuspended(running, false), { message: 'vision/demo is not suspended' });
  const suspended = aModelExport({ spec: { suspend: true } });
  t.deepEqual(setSuspended(suspended, false).patch, { spec: { suspend: false } });
  t.deepEqual(setSuspended(suspended, true), { message: 'vision/demo is already suspended' });
});
