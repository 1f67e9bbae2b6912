/** `kubectl modelexport logs`: which pod and containers it reads. */
import test from 'ava';
import { chooseLogs, formatLogLine } from '../../src/cluster/plugin/logs.ts';
import { active, anExported } from '../builders/objects.ts';
import { factsAfter } from '../builders/plugin-facts.ts';

const target = { namespace: 'vision', name: 'demo' };
const exported = { kind: 'Succeeded', result: anExported() } as const;

const factsOf = (states: Parameters<typeof factsAfter>[0]) => {
  const { jobs = [], pods = [] } = factsAfter(states);
  return { jobs, pods };
};

test('without a class the export is read, with a class its engine', (t) => {
  const exporting = factsOf({ export: active });
  t.regex(chooseLogs(exporting, target, undefined).pod, /^demo-export-/);
  const building = factsOf({ export: exported, ampere: active });
  const { pod, containers } = chooseLogs(building, target, 'ampere');
  t.regex(pod, /^demo-ampere-/);
  t.deepEqual(containers, ['stage', 'build']);
});

test('the newest pod counts, and containers that have not started are left out', (t) => {
  const { jobs, pods } = factsOf({ export: active });
  const [first] = pods;
  const newer = {
    ...first!,
    metadata: { ...first!.metadata, name: 'newer', creationTimestamp: '2026-01-01T01:00:00Z' },
    status: { containerStatuses: [{ name: 'export', state: { waiting: { reason: 'ContainerCreating' } } }] },
  };
  t.deepEqual(chooseLogs({ jobs, pods: [first!, newer] }, target, undefined), {
    pod: 'newer',
    containers: [],
  });
});

test('a stage without a pod is named', (t) => {
  t.throws(() => chooseLogs(factsOf({ export: active }), target, 'ampere'), {
    message: /logs of vision\/demo: the engine ampere has no pod/,
  });
});

test('control characters of a pod do not reach the terminal', (t) => {
  t.is(formatLogLine('build', 'done\u001b[2J'), 'build | done\\x1b[2J\n');
});
