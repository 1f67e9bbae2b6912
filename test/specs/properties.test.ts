/** Whatever the text: a value, or an error of ours. What is printed in any style reads back as it was. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { parseExperimentSpec } from '../../src/data/specs/experiment-spec.ts';
import { all, bool, float, int32, map, message, repeated, string } from '../../src/data/specs/schema.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { anyText } from '../builders/any-text.ts';
import { decoded } from './decoded.ts';

const folder = join(import.meta.dirname, '..', 'fixtures', 'specs');
const specs = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));

/** Parsed, or refused in words for the user; the rest is a defect. */
const isSound = (text: string): boolean => {
  try {
    parseExperimentSpec(text, { file: 'spec.txt', architecture: undefined }).loader();
    return true;
  } catch (thrown) {
    if (!(thrown instanceof UserError)) throw thrown;
    return thrown.reason === 'SpecInvalid' && thrown.message.length < 20_000;
  }
};

const anySpec = fc.constantFrom(...specs);
const share = fc.double({ min: 0, max: 1, noNaN: true });

test('a spec that is truncated anywhere is parsed or rejected', (t) => {
  fc.assert(
    fc.property(anySpec, share, (text, at) => isSound(text.slice(0, Math.floor(at * text.length)))),
    {
      numRuns: 300,
    },
  );
  t.pass();
});

test('a spec with flipped bits is parsed or rejected', (t) => {
  const flips = fc.array(fc.tuple(share, fc.integer({ min: 0, max: 6 })), { minLength: 1, maxLength: 8 });
  const property = fc.property(anySpec, flips, (text, changes) => {
    const bytes = Buffer.from(text, 'latin1');
    for (const [at, bit] of changes) bytes[Math.floor(at * (bytes.length - 1))]! ^= 1 << bit;
    return isSound(bytes.toString('latin1'));
  });
  fc.assert(property, { numRuns: 300 });
  t.pass();
});

test('any tokens in any order are parsed or rejected', (t) => {
  const words = [
    'a',
    ':',
    '{',
    '}',
    '[',
    ']',
    '<',
    '>',
    '"s"',
    "'",
    '-',
    '1',
    '0x',
    '1e',
    ',',
    ';',
    '#',
    '\n',
    '\\',
  ];
  const names = [
    'dataset_config',
    'data_sources',
    'train_config',
    'value',
    'key',
    'ssd_config',
    'image_mean',
  ];
  const text = fc
    .array(fc.constantFrom(...words, ...names), { maxLength: 80 })
    .map((parts) => parts.join(' '));
  fc.assert(fc.property(text, isSound), { numRuns: 1000 });
  t.pass();
});

test('a long line of braces, errors or quotes is rejected quickly', (t) => {
  for (const text of [
    'm{'.repeat(120_000),
    'x:1 '.repeat(60_000),
    '"\\x41"'.repeat(40_000),
    '#'.repeat(300_000),
  ])
    t.true(isSound(text), text.slice(0, 10));
  t.true(isSound(`ssd_config{}${'s: "\\101"\n'.repeat(20_000)}`));
});

const schema = message({
  ...all(string, 'text other'),
  number: float,
  whole: int32,
  flag: bool,
  list: repeated(int32),
  means: map(float),
});

const float32 = fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const values = fc.record(
  {
    text: anyText(),
    number: float32,
    whole: fc.integer(),
    flag: fc.boolean(),
    list: fc.array(fc.integer(), { minLength: 1 }),
    means: fc.dictionary(fc.string(), float32, { minKeys: 1, noNullPrototype: true }),
  },
  { requiredKeys: [] },
);

/** Prints the value in one of the equivalent styles, chosen by a stream of numbers. */
const printed = (value: object, style: () => number): string => {
  const gap = () => ['\n', ' ', ', ', '; ', ' # note\n', '\r\n\t'][style() % 6]!;
  const colon = () => [': ', ' : ', ':', ':\n'][style() % 4]!;
  const quoted = (text: string) => (style() % 2 ? doubleQuoted(text) : octal(text));
  const scalar = (of: unknown) => (typeof of === 'string' ? quoted(of) : String(of));
  const entry = ([key, of]: [string, unknown]) =>
    `means${style() % 2 ? ':' : ''} { key: ${quoted(key)} value: ${of} }`;
  const parts = Object.entries(value).flatMap(([name, of]) => {
    if (name === 'means') return Object.entries(of as object).map(entry);
    if (!Array.isArray(of)) return [`${name}${colon()}${scalar(of)}`];
    return style() % 2
      ? [`${name}${colon()}[${of.join(', ')}]`]
      : of.map((each) => `${name}${colon()}${each}`);
  });
  return parts.map((part) => `${part}${gap()}`).join('');
};

const doubleQuoted = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

/** Every byte as an escape, in two literals. */
const octal = (text: string): string => {
  const bytes = [...Buffer.from(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`);
  return `'${bytes.slice(0, 3).join('')}' "${bytes.slice(3).join('')}"`;
};

test('a value that is written in any style reads back as it was', (t) => {
  const property = fc.property(values, fc.array(fc.nat({ max: 11 }), { minLength: 1 }), (value, numbers) => {
    let at = 0;
    const found = decoded(
      printed(value, () => numbers[at++ % numbers.length]!),
      schema,
    );
    t.deepEqual(found, { value: JSON.parse(JSON.stringify(value)) as unknown });
  });
  fc.assert(property, { numRuns: 300 });
});
