/**
 * Parses unquoted literals of the protobuf text format by field type; undefined on a mismatch. Integers may be hexadecimal or
 * octal; floats may end in `f`.
 */
import type { FieldType } from './schema.ts';

type IntegerType = Extract<FieldType, { kind: 'integer' }>;
type EnumType = Extract<FieldType, { kind: 'enum' }>;

/** `true`, `True`, `t`, `1` and their opposites. */
export const parseBoolean = (literal: string): boolean | undefined => booleans[literal];

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

/** An integer within the bounds of its type. */
export const parseInteger = (literal: string, { min, max }: IntegerType): number | undefined => {
  const number = parseWhole(literal);
  return number !== undefined && number >= min && number <= max ? number : undefined;
};

const parseWhole = (literal: string): number | undefined => {
  const [, sign, hexadecimal, octal, decimal] =
    /^(-?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+)|(0|[1-9][0-9]*))$/.exec(literal) ?? [];
  const digits = hexadecimal ?? octal ?? decimal;
  if (digits === undefined) return undefined;
  const base = hexadecimal !== undefined ? 16 : octal !== undefined ? 8 : 10;
  const number = Number.parseInt(digits, base);
  return sign && number !== 0 ? -number : number;
};

/** A float, rounded to float32. */
export const parseFloat32 = (literal: string): number | undefined => {
  const [, sign, name] = /^(-?)(inf|infinity|nan)f?$/i.exec(literal) ?? [];
  if (name !== undefined) return name.toLowerCase() === 'nan' ? Number.NaN : sign ? -Infinity : Infinity;
  if (!/^-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?$/.test(literal)) return undefined;
  return Math.fround(Number.parseFloat(literal));
};

/** Name of an enum value, from its name or number. */
export const parseEnum = (literal: string, { numbers }: EnumType): string | undefined => {
  if (Object.hasOwn(numbers, literal)) return literal;
  const number = parseWhole(literal);
  return Object.keys(numbers).find((name) => numbers[name] === number);
};
