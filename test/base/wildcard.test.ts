import test from 'ava';
import fc from 'fast-check';
import { matchesWildcard } from '../../src/ground/base/wildcard.ts';

test('a pattern fits what the same regular expression fits', (t) => {
  const letters = (unit: string) => fc.string({ unit: fc.constantFrom(...unit), maxLength: 8 });
  fc.assert(
    fc.property(letters('ab*'), letters('ab'), (pattern, name) => {
      t.is(matchesWildcard(pattern, name), new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name));
    }),
    { numRuns: 500 },
  );
});

test('regular expression characters match themselves', (t) => {
  t.true(matchesWildcard('block.[1]/*:0', 'block.[1]/Conv:0'));
  t.false(matchesWildcard('block.[1]', 'blockx1'));
  t.false(matchesWildcard('conv', 'conv1'));
});
