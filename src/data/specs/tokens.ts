/**
 * Protobuf text format → words, one after the other, each with its place. Comments and white space are left out.
 * https://protobuf.dev/reference/protobuf/textformat-spec
 */
import { UserError } from '../../ground/base/errors.ts';

/** Both count from 1; columns are UTF-16 units. */
export type Place = { readonly line: number; readonly column: number };

export type Token = Place & {
  /** `word`: a name or an unquoted value; `number`: what begins with a digit, not yet judged. */
  readonly kind: 'word' | 'number' | 'string' | 'symbol' | 'end';
  /** As it stands in the text, quotes included. */
  readonly text: string;
};

/** Why a text is no text format, and where. It becomes a UserError where the file is known. */
export class SyntaxFault extends Error {
  override readonly name = 'SyntaxFault';
  readonly place: Place;
  constructor(place: Place, message: string) {
    super(message);
    this.place = place;
  }
}

/** Real specs hold some hundred lines. */
export const longestText = 256 * 1024;

/** @throws UserError SpecInvalid if the text is too long */
export function* tokensOf(text: string): Generator<Token, Token> {
  if (text.length > longestText)
    throw new UserError(
      'SpecInvalid',
      `Reading the experiment spec: it is longer than ${longestText} characters. Check that it is a spec.`,
    );
  let line = 1;
  let lineStart = 0;
  let at = 0;
  while (true) {
    const [skipped = ''] = matchAt(blank, text, at);
    line += skipped.split('\n').length - 1;
    if (skipped.includes('\n')) lineStart = at + skipped.lastIndexOf('\n') + 1;
    at += skipped.length;
    const place = { line, column: at - lineStart + 1 };
    if (at === text.length) return { kind: 'end', text: '', ...place };
    const token = tokenAt(text, at, place);
    at += token.text.length;
    yield token;
  }
}

const blank = /(?:[ \t\r\n\v\f]+|#[^\n]*)*/y;
const patterns = {
  word: /[A-Za-z_][A-Za-z0-9_]*/y,
  number: /\.?[0-9](?:[eE][+-]|[A-Za-z0-9_.])*/y,
  string: /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*'/y,
  symbol: /[:;,{}[\]<>-]/y,
} as const;

const matchAt = (pattern: RegExp, text: string, at: number): [string] | [] => {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found ? [found[0]] : [];
};

const tokenAt = (text: string, at: number, place: Place): Token => {
  for (const [kind, pattern] of Object.entries(patterns)) {
    const [found] = matchAt(pattern, text, at);
    if (found !== undefined) return { kind: kind as keyof typeof patterns, text: found, ...place };
  }
  throw new SyntaxFault(place, faultOf(text.codePointAt(at)!));
};

const faultOf = (code: number): string => {
  if (code === 0x22 || code === 0x27) return 'this string has no closing quote on its line';
  // Punctuation of ASCII is not shown: it could be a part of a key. Others, such as typographic quotes, are hard to see.
  const shown = code > 0x20 && code < 0x7f ? '' : ` U+${hex(code)}`;
  return `the character${shown} has no meaning here`;
};

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');
