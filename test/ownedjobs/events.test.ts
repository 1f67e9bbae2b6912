/** Which changes create events: problems, and their end. */
import test from 'ava';
import type { Condition } from '../../src/cluster/api/conditions.ts';
import { draftSummaryEvents } from '../../src/cluster/ownedjobs/events.ts';

const progress = ['Exporting', 'BuildingEngines'];

const holding = (type: string, reason: string): readonly Condition[] => [
  {
    type,
    status: 'True',
    reason,
    message: `because of ${reason}`,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  } as Condition,
];

const steps = (...course: readonly (readonly Condition[])[]): readonly string[] =>
  course
    .slice(1)
    .flatMap((next, i) => draftSummaryEvents(course[i], next, progress))
    .map(({ type, reason }) => `${type} ${reason}`);

test('an export without problems creates no event', (t) => {
  const course = [
    [],
    holding('Reconciling', 'Exporting'),
    holding('Reconciling', 'BuildingEngines'),
    holding('Ready', 'Ready'),
  ];
  t.deepEqual(steps(...course), []);
});

test('a problem creates one event, and its end another', (t) => {
  const missing = holding('Reconciling', 'KeySecretMissing');
  const exporting = holding('Reconciling', 'Exporting');
  t.deepEqual(steps(exporting, missing, missing, exporting, holding('Ready', 'Ready')), [
    'Warning KeySecretMissing',
    'Normal Exporting',
  ]);
});

test('Stalled and then Ready create one event each', (t) => {
  t.deepEqual(
    steps(holding('Stalled', 'WrongKey'), holding('Stalled', 'OutOfMemory'), holding('Ready', 'Ready')),
    ['Warning OutOfMemory', 'Normal Ready'],
  );
});
