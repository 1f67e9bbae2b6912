/** Text of any characters, for property tests. */
import fc from 'fast-check';

type Length = { readonly minLength?: number; readonly maxLength?: number };

/** As `unit: 'binary'` gives it, without the table of all characters that fast-check builds for that: 0.7 s a file. */
export const anyText = (length: Length = {}): fc.Arbitrary<string> =>
  fc.string({ unit: anyCharacter, ...length });

const firstSurrogate = 0xd800;
const surrogates = 0x800;

const characterOf = (number: number): string =>
  String.fromCodePoint(number < firstSurrogate ? number : number + surrogates);

/** What fast-check asks whether it can mix in texts of its own, such as `__proto__`. */
const numberOf = (character: unknown): number => {
  const point = typeof character === 'string' ? character.codePointAt(0) : undefined;
  if (point === undefined || String.fromCodePoint(point) !== character)
    throw new Error('this is not one character');
  return point < firstSurrogate ? point : point - surrogates;
};

/** All but halves of surrogate pairs. */
const anyCharacter = fc.integer({ min: 0, max: 0x10ffff - surrogates }).map(characterOf, numberOf);
