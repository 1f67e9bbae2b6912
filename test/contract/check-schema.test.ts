/** Checking a value against a schema rejects what the apiserver would reject, and names the path. */
import test from 'ava';
import { findFault } from '../../src/ground/contract/check-schema.ts';
import {
  flag,
  integer,
  list,
  map,
  object,
  oneOf,
  quantity,
  type Schema,
  text,
} from '../../src/ground/contract/schema.ts';

const schema = object(
  'An example.',
  {
    name: text('A name.', { minLength: 1, maxLength: 4, pattern: '^[a-z]+$' }),
    size: integer('A size.', { minimum: 0, maximum: 10 }),
    large: integer('A large number.', { format: 'int64' }),
    word: oneOf(['a', 'b'], 'A word.'),
    on: flag('A flag.'),
    items: list('Items.', text('An item.', { maxLength: 2 }), { minItems: 1, maxItems: 2 }),
    byName: map('Numbers.', integer('A number.'), { maxProperties: 1 }),
    amount: quantity('An amount.', { pattern: '^[0-9]+$' }),
  },
  { required: ['name'] },
);

test('a valid value has no error', (t) => {
  const value = {
    name: 'ab',
    size: 10,
    large: 2 ** 40,
    word: 'a',
    on: false,
    items: ['x'],
    byName: { n: -1 },
    amount: 5,
  };
  t.is(findFault(schema, value), undefined);
});

const faulty = test.macro({
  exec: (t, value: unknown, fault: string, of: Schema = schema) => t.is(findFault(of, value), fault),
  title: (_, value, fault) => `${JSON.stringify(value).slice(0, 40)}: ${fault}`,
});
test(faulty, 'text', 'the value is no object');
test(faulty, null, 'the value is no object');
test(faulty, [], 'the value is no object');
test(faulty, {}, 'name is missing');
test(faulty, JSON.parse('{"name":"a","__proto__":{}}'), 'the value has a field that is not known: __proto__');
test(faulty, { name: 'a', toString: 1 }, 'the value has a field that is not known: toString');
test(faulty, { name: 5 }, 'name is no string');
test(faulty, { name: '' }, 'name is shorter than 1 characters');
test(faulty, { name: 'abcde' }, 'name is longer than 4 characters');
test(faulty, { name: 'a\nb' }, 'name does not match ^[a-z]+$');
test(faulty, { name: 'a', size: 1.5 }, 'size is no whole number');
test(faulty, { name: 'a', size: 11 }, 'size is not between 0 and 10');
test(faulty, { name: 'a', large: 2 ** 60 }, 'large is no whole number');
test(faulty, { name: 'a', word: 'c' }, 'word is none of a, b');
test(faulty, { name: 'a', on: 1 }, 'on is no boolean');
test(faulty, { name: 'a', items: {} }, 'items is no list');
test(faulty, { name: 'a', items: [] }, 'items has 0 entries and may have 1 to 2');
test(faulty, { name: 'a', items: ['x', 'xyz'] }, 'items[1] is longer than 2 characters');
test(faulty, { name: 'a', byName: { n: '1' } }, 'byName.n is no whole number');
test(faulty, { name: 'a', byName: { n: 1, m: 2 } }, 'byName has more than 1 entries');

test(faulty, { name: 'a', amount: 1.5 }, 'amount is no whole number');
test(faulty, { name: 'a', amount: '1x' }, 'amount does not match ^[0-9]+$');

test('a length counts characters as the apiserver does, not halves of them', (t) => {
  t.is(findFault(text('Text.', { maxLength: 2 }), '😀😀'), undefined);
});
