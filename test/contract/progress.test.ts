/** Reports of progress in logs, which are untrusted. */
import test from 'ava';
import fc from 'fast-check';
import { activities, findLastReport, progressLimit } from '../../src/ground/contract/progress.ts';

const line = (report: object): string => JSON.stringify(report);

test('the last report in the end of a log counts, whatever other programs write around it', (t) => {
  const log = [
    'oss":5}', // The begin of the log was cut off.
    line({ progress: 'Opening', done: 0, total: 1, seconds: 0 }),
    line({ progress: 'Calibrating', done: 86, total: 200, seconds: 7.1, perSecond: 12.1, secondsLeft: 9.4 }),
    line({ level: 'WARNING', message: 'Skipped: images/7.jpg' }),
    '{"progress":"Calibra',
    '',
  ];
  t.deepEqual(findLastReport(log.join('\n')), {
    activity: 'Calibrating',
    done: 86,
    total: 200,
    perSecond: 12.1,
    secondsLeft: 9.4,
  });
  t.is(findLastReport('Epoch 1/80\nloss 0.1\n'), undefined);
  t.is(findLastReport(''), undefined);
});

const refused: readonly object[] = [
  { progress: 'Mining coins', done: 1, total: 2 },
  { progress: 'constructor', done: 1, total: 2 },
  { progress: ['Calibrating'], done: 1, total: 2 },
  { progress: 'Calibrating', done: 3, total: 2 },
  { progress: 'Calibrating', done: -1, total: 2 },
  { progress: 'Calibrating', done: 0.5, total: 2 },
  { progress: 'Calibrating', done: '1', total: 2 },
  { progress: 'Calibrating', done: 1, total: progressLimit + 1 },
  { progress: 'Calibrating', done: 1 },
  { activity: 'Calibrating', done: 1, total: 2 },
];

test('a report with an unknown activity or impossible numbers is none', (t) => {
  for (const report of refused) t.is(findLastReport(line(report)), undefined, line(report));
});

test('an impossible pace is left out', (t) => {
  const counts = { progress: 'Building', done: 1, total: 2 };
  for (const pace of [-1, '1', null, progressLimit + 1])
    t.deepEqual(findLastReport(line({ ...counts, perSecond: pace, secondsLeft: pace })), {
      activity: 'Building',
      done: 1,
      total: 2,
    });
});

test('whatever a log contains, a report has an activity of the table and numbers within their limits', (t) => {
  const name = fc.oneof(fc.constantFrom(...Object.keys(activities)), fc.string());
  const number = fc.oneof(fc.integer(), fc.double(), fc.jsonValue());
  const report = fc.record(
    {
      progress: name,
      done: number,
      total: number,
      perSecond: number,
      secondsLeft: number,
      more: fc.string(),
    },
    { requiredKeys: [] },
  );
  const log = fc.array(fc.oneof(report.map(line), fc.string())).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(log, (text) => {
      const { activity, ...numbers } = findLastReport(text) ?? { activity: 'Opening' };
      return (
        Object.hasOwn(activities, activity) &&
        Object.values(numbers).every((each) => each >= 0 && each <= progressLimit)
      );
    }),
  );
  t.pass();
});
