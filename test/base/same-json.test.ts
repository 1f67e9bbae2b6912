import test from 'ava';
import { canonicalJson } from '../../src/ground/base/digest.ts';
import { isSameJson } from '../../src/ground/base/same-json.ts';

const values: readonly unknown[] = [
  undefined,
  null,
  0,
  1,
  '',
  '1',
  true,
  [],
  [1, 2],
  [2, 1],
  [[1], 2],
  {},
  { a: undefined },
  { a: null },
  { a: 1, b: 2 },
  { b: 2, a: 1 },
  { a: 1, b: 2, c: undefined },
  { a: { b: [1, { c: 2 }] } },
  { a: { b: [1, { c: 3 }] } },
];

test('two values are the same exactly if their canonical JSON is', (t) => {
  for (const a of values)
    for (const b of values)
      t.is(
        isSameJson(a, b),
        canonicalJson(a) === canonicalJson(b),
        `${canonicalJson(a)} ${canonicalJson(b)}`,
      );
});

test('a member that is excepted makes no difference at any depth', (t) => {
  const of = (startedAt: string | undefined, name: string) => ({ name, engines: [{ name, startedAt }] });
  t.true(isSameJson(of('10:00', 'a'), of('11:00', 'a'), ['startedAt']));
  t.true(isSameJson(of(undefined, 'a'), of('11:00', 'a'), ['startedAt']));
  t.false(isSameJson(of('10:00', 'a'), of('10:00', 'b'), ['startedAt']));
  t.false(isSameJson(of('10:00', 'a'), of('11:00', 'a')));
});
