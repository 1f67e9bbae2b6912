/**
 * Splits protobuf text format into tokens with positions; skips comments and white space.
 * https://protobuf.dev/reference/protobuf/textformat-spec
 */
import { UserError } from '../../ground/base/errors.ts';

/** Position in a text, from 1; columns count UTF-16 units. */
export type Place = { readonly line: number; readonly column: number };

/** One token. */
export type Token = Place & {
  /** `word`: an identifier; `number`: anything that starts with a digit, not yet validated. */
  readonly kind: 'word' | 'number' | 'string' | 'symbol' | 'end';
  /** As written, including quotes. */
  readonly text: string;
};

/** A syntax error and its position. Callers that know the file turn it into a UserError. */
export class SyntaxFault extends Error {
  override readonly name = 'SyntaxFault';
  readonly place: Place;
  constructor(place: Place, message: string) {
    super(message);
    this.place = place;
  }
}

/** Maximum characters of a spec; real ones have a few hundred lines. */
export const maxTextLength = 256 * 1024;

/**
 * Yields the tokens of a text and returns the end token. @throws UserError SpecInvalid if the text is too long; SyntaxFault
 */
export function* tokenise(text: string): Generator<Token, Token> {
  if (text.length > maxTextLength)
    throw new UserError(
      'SpecInvalid',
      `Reading the experiment spec: it has more than ${maxTextLength} characters. Check that it is a spec.`,
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
  throw new SyntaxFault(place, describeCharacter(text.codePointAt(at)!));
};

const describeCharacter = (code: number): string => {
  if (code === 0x22 || code === 0x27) return 'this string has no closing quote on its line';
  // ASCII punctuation is not shown: it may be part of a key. Other characters, such as typographic quotes, are hard to see.
  const shown = code > 0x20 && code < 0x7f ? '' : ` U+${hex(code)}`;
  return `unexpected character${shown}`;
};

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');
