/** Text of any characters, for property tests. */
import fc from 'fast-check';

type Length = { readonly minLength?: number; readonly maxLength?: number };

/** Like `unit: 'binary'`, but without fast-check's table of all characters, which takes 0.7 s per test file. */
export const anyText = (length: Length = {}): fc.Arbitrary<string> =>
  fc.string({ unit: anyCharacter, ...length });

const firstSurrogate = 0xd800;
const surrogates = 0x800;

const characterOf = (number: number): string =>
  String.fromCodePoint(number < firstSurrogate ? number : number + surrogates);

/** Lets fast-check mix in its own strings, such as `__proto__`. */
const numberOf = (character: unknown): number => {
  const point = typeof character === 'string' ? character.codePointAt(0) : undefined;
  if (point === undefined || String.fromCodePoint(point) !== character)
    throw new Error('not a single character');
  return point < firstSurrogate ? point : point - surrogates;
};

/** All code points except surrogates. */
const anyCharacter = fc.integer({ min: 0, max: 0x10ffff - surrogates }).map(characterOf, numberOf);
