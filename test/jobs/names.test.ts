/** Names of Jobs are short enough for host names of pods, and unique. */
import test from 'ava';
import { makeJobName } from '../../src/cluster/jobs/names.ts';

const content = { part: 'ampere', attempt: 'a', template: 't' };

test('a Job name contains owner and part, and fits a host name with the suffix of a pod', (t) => {
  t.regex(makeJobName('demo', content), /^demo-ampere-[0-9a-f]{10}$/);
  for (const owner of ['a'.repeat(63), `${'a'.repeat(23)}-${'b'.repeat(39)}`, 'a']) {
    const name = makeJobName(owner, { ...content, part: 'c'.repeat(63) });
    t.regex(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    t.false(name.includes('--'));
    t.true(name.length + '-abcde'.length <= 63, name);
  }
});

test('owners whose names differ only after truncation have different Job names', (t) => {
  const long = 'a'.repeat(40);
  const names = [
    makeJobName(long, content),
    makeJobName(`${long}b`, content),
    makeJobName(long, { ...content, part: long }),
    makeJobName(long, { ...content, part: `${long}b` }),
  ];
  t.is(new Set(names).size, names.length);
});
