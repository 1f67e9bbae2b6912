/**
 * Unquoted literals of the text format by the type that a field has: undefined where it is none of that type.
 * Integers may be hexadecimal or octal; floats may end in `f`.
 */
import type { FieldType } from './schema.ts';

type IntegerType = Extract<FieldType, { kind: 'integer' }>;
type EnumType = Extract<FieldType, { kind: 'enum' }>;

export const booleanOf = (literal: string): boolean | undefined => booleans[literal];

const booleans: Readonly<Record<string, boolean | undefined>> = Object.assign(Object.create(null), {
  true: true,
  True: true,
  t: true,
  '1': true,
  false: false,
  False: false,
  f: false,
  '0': false,
});

export const integerOf = (literal: string, { least, most }: IntegerType): number | undefined => {
  const number = wholeOf(literal);
  return number !== undefined && number >= least && number <= most ? number : undefined;
};

const wholeOf = (literal: string): number | undefined => {
  const [, sign, hexadecimal, octal, decimal] =
    /^(-?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(literal) ?? [];
  const digits = hexadecimal ?? octal ?? decimal;
  if (digits === undefined) return undefined;
  const base = hexadecimal !== undefined ? 16 : octal !== undefined ? 8 : 10;
  const number = Number.parseInt(digits, base);
  return sign && number !== 0 ? -number : number;
};

/** The float32 that is nearest. */
export const floatOf = (literal: string): number | undefined => {
  const [, sign, name] = /^(-?)(inf|infinity|nan)f?$/i.exec(literal) ?? [];
  if (name !== undefined) return name.toLowerCase() === 'nan' ? Number.NaN : sign ? -Infinity : Infinity;
  if (!/^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?$/.test(literal)) return undefined;
  return Math.fround(Number.parseFloat(literal));
};

/** By name, or by number. */
export const enumOf = (literal: string, { numbers }: EnumType): string | undefined => {
  if (Object.hasOwn(numbers, literal)) return literal;
  const number = wholeOf(literal);
  return Object.keys(numbers).find((name) => numbers[name] === number);
};
