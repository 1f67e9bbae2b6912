/** How conditions are merged, and that every reason that exists is documented. */
import test from 'ava';
import { conditionTypes, setConditions, type WantedCondition } from '../../src/cluster/api/conditions.ts';
import { reasonGroups, reasons } from '../../src/cluster/api/reasons.ts';
import { failures } from '../../src/ground/base/failures.ts';

const at = (time: string, generation = 1) => ({ now: Date.parse(time), generation });
const ready = (changes: Partial<WantedCondition> = {}): WantedCondition => ({
  type: 'Ready',
  status: 'False',
  reason: 'Exporting',
  message: 'the model is being exported',
  ...changes,
});

const first = setConditions(undefined, [ready()], at('2026-01-01T00:00:00.987Z'));

test('a new condition carries generation and time, in whole seconds', (t) => {
  t.deepEqual(first, [{ ...ready(), observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' }]);
});

test('a new reason under the same status keeps the time of the last transition', (t) => {
  const [next] = setConditions(first, [ready({ reason: 'BuildingEngines' })], at('2026-01-01T01:00:00Z', 2));
  t.like(next, {
    reason: 'BuildingEngines',
    observedGeneration: 2,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
});

test('a new status updates the transition time', (t) => {
  const [next] = setConditions(
    first,
    [ready({ status: 'True', reason: 'Ready' })],
    at('2026-01-01T01:00:00Z'),
  );
  t.is(next!.lastTransitionTime, '2026-01-01T01:00:00Z');
});

test('unchanged conditions are equal at a later time, so status is not written', (t) => {
  t.deepEqual(setConditions(first, [ready()], at('2027-01-01T00:00:00Z')), first);
});

test('a condition that is no longer set is removed', (t) => {
  t.deepEqual(setConditions(first, [], at('2026-01-01T00:00:00Z')), []);
});

test('long messages are truncated to fit status', (t) => {
  const [next] = setConditions(
    undefined,
    [ready({ message: 'x'.repeat(100_000) })],
    at('2026-01-01T00:00:00Z'),
  );
  t.is(next!.message.length, 4096);
});

test('every reason is one CamelCase word, documents when it is set, and is in one group', (t) => {
  const names = Object.values(reasonGroups).flatMap((group) => Object.keys(group));
  t.is(new Set(names).size, names.length);
  for (const [reason, { when }] of Object.entries(reasons)) {
    t.regex(reason, /^[A-Z][A-Za-z0-9]+$/);
    t.regex(when, /^.{15,}\.$/, reason);
  }
});

test('every reason of a wait or a failure has a remedy', (t) => {
  const silent = (['waiting', 'failing', 'failed'] as const)
    .flatMap((group) => Object.entries(reasonGroups[group]))
    .filter(([, { remedy }]) => !remedy);
  t.deepEqual(silent, []);
});

test('every failure of a pod is a reason', (t) => {
  t.deepEqual(
    Object.keys(failures).filter((reason) => !(reason in reasons)),
    [],
  );
});

test('every condition type documents what True means', (t) => {
  for (const [type, meaning] of Object.entries(conditionTypes)) t.regex(meaning, /^[A-Z].{30,}\.$/, type);
});
