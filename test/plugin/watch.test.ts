/** `kubectl modelexport watch`: lines of statuses that the operator's decisions make, and when it ends. */
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { formatMoment, isOver, isSameMoment, momentOf } from '../../src/cluster/plugin/moment.ts';
import { plain } from '../../src/cluster/plugin/paint.ts';
import { retry } from '../../src/cluster/plugin/requests.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { active, aModelExport, anEngineBuilt, anExported } from '../builders/objects.ts';
import { decidedAt, factsAfter } from '../builders/plugin-facts.ts';

const exported = { kind: 'Succeeded', result: anExported() } as const;
const built = { kind: 'Succeeded', result: anEngineBuilt() } as const;
const refused = { kind: 'Failed', reason: 'EngineBuildFailed', message: 'the builder refused' } as const;
const building = factsAfter({ export: exported, ampere: active, cpu: built }).modelExport;

test('each change is one line', (t) => {
  t.is(
    formatMoment(momentOf(building, decidedAt), plain),
    '00:00:00 Reconciling 1/2 BuildingEngines: 1 of 2 engines built\n',
  );
  t.is(formatMoment(momentOf(aModelExport(), decidedAt), plain), '00:00:00 Unseen\n');
});

test('a report of a pod is a change, and its line has the progress of each stage that runs', (t) => {
  const report = { activity: 'Building', done: 2, total: 5, readAtMs: decidedAt } as const;
  const reported = factsAfter({ export: exported, ampere: active, cpu: built }, {}, report).modelExport;
  const moment = momentOf(reported, decidedAt);
  t.is(
    formatMoment(moment, plain),
    '00:00:00 Reconciling 1/2 BuildingEngines: 1 of 2 engines built; engine ampere: building the engine 40%\n',
  );
  t.false(isSameMoment(momentOf(building, decidedAt), moment));
});

test('a later time alone is no change', (t) => {
  const moment = momentOf(building, decidedAt);
  t.true(isSameMoment(moment, momentOf(building, decidedAt + 1000)));
  t.false(isSameMoment(moment, momentOf(aModelExport(), decidedAt)));
  t.false(isSameMoment(undefined, moment));
});

test('it ends when the export is Ready, and not before', (t) => {
  t.false(isOver(aModelExport()));
  t.false(isOver(building));
  t.true(isOver(factsAfter({ export: exported, ampere: built, cpu: built }).modelExport));
});

test('a Stalled export ends it with the reason of the export or engine that failed', (t) => {
  const reasonOf = (states: Parameters<typeof factsAfter>[0]) => {
    const { modelExport } = factsAfter(states);
    return t.throws(() => isOver(modelExport), { instanceOf: UserError })?.reason;
  };
  t.is(reasonOf({ export: { ...refused, reason: 'WrongKey' } }), 'WrongKey');
  t.is(reasonOf({ export: exported, ampere: refused, cpu: built }), 'EngineBuildFailed');
  t.is(
    reasonOf({ export: exported, ampere: { ...refused, reason: 'DeadlineExceeded' }, cpu: built }),
    'Internal',
  );
});

test('after a request for another attempt, a Stalled export is over only when the operator has handled it', (t) => {
  const { modelExport } = factsAfter({ export: { ...refused, reason: 'WrongKey' } });
  const { patch } = retry(modelExport, { token: '2026-01-01', deviceClass: undefined });
  const { metadata } = patch as { readonly metadata: Partial<ModelExport['metadata']> };
  const requested = { ...modelExport, metadata: { ...modelExport.metadata, ...metadata } };
  t.false(isOver(requested));
  t.is(momentOf(requested, decidedAt).state, 'Requested');
  const handled = {
    ...requested,
    status: { ...requested.status, lastHandledRequest: '2026-01-01' },
  } as ModelExport;
  t.throws(() => isOver(handled), { message: /Stalled \(WrongKey\)/ });
});
