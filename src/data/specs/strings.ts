/** Decodes string literals of the protobuf text format: removes quotes, resolves escapes to bytes, decodes UTF-8. */
import { SyntaxFault, type Token } from './tokens.ts';

/** Joins adjacent literals to one string. @throws SyntaxFault at a literal with an unknown escape or invalid UTF-8 */
export const decodeStrings = (literals: readonly Token[]): string => {
  const bytes = literals.flatMap((literal) => decodeLiteral(literal));
  try {
    return utf8.decode(Uint8Array.from(bytes));
  } catch {
    throw new SyntaxFault(literals[0]!, 'the escapes of this string are not valid UTF-8');
  }
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

const escapes =
  /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\'"?]))|\\/g;

const decodeLiteral = (literal: Token): number[] => {
  const inner = literal.text.slice(1, -1);
  if (!inner.includes('\\')) return [...encoder.encode(inner)];
  const parts: Iterable<number>[] = [];
  let from = 0;
  for (const match of inner.matchAll(escapes)) {
    parts.push(encoder.encode(inner.slice(from, match.index)), decodeEscape(match, literal));
    from = match.index + match[0].length;
  }
  return [...parts, encoder.encode(inner.slice(from))].flatMap((part) => [...part]);
};

const simple: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
  '?': 63,
};

const decodeEscape = (
  [, octal, byte, short, long, letter]: RegExpMatchArray,
  literal: Token,
): Iterable<number> => {
  if (letter !== undefined) return [simple[letter]!];
  if (octal !== undefined && Number.parseInt(octal, 8) < 256) return [Number.parseInt(octal, 8)];
  if (byte !== undefined) return [Number.parseInt(byte, 16)];
  const code = Number.parseInt(short ?? long ?? 'none', 16);
  if (code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) return encoder.encode(String.fromCodePoint(code));
  throw new SyntaxFault(literal, 'this string has an unknown escape sequence');
};
