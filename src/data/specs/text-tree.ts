/**
 * Protobuf text format → a tree of fields. No schema is asked: what a value means is decided where the field is known.
 * The tree's depth is bounded. No message of this file repeats a word of the text: it may not be a spec at all, and even
 * in a spec a value can be a key.
 */
import { textOf } from './strings.ts';
import { type Place, SyntaxFault, type Token, tokensOf } from './tokens.ts';

export type TextField = Place & {
  readonly name: string;
  /** One value, or those of a list `[a, b]`. */
  readonly values: readonly TextValue[];
  readonly isList: boolean;
};

export type TextMessage = Place & { readonly kind: 'message'; readonly fields: readonly TextField[] };

export type TextValue =
  | TextMessage
  | (Place & { readonly kind: 'string'; readonly text: string })
  /** A number or a name, as it stands, with its sign before it. */
  | (Place & { readonly kind: 'plain'; readonly text: string });

/** As deep as protobuf's own parsers go. */
const deepest = 100;

/** @throws SyntaxFault, UserError SpecInvalid if the text is too long */
export const parseTextTree = (text: string): TextMessage => {
  const reader = new TokenReader(tokensOf(text));
  return { kind: 'message', line: 1, column: 1, fields: fieldsUntil(reader, '', 0) };
};

/** One token of look-ahead. */
class TokenReader {
  readonly #tokens: Generator<Token, Token>;
  #next: Token;
  constructor(tokens: Generator<Token, Token>) {
    this.#tokens = tokens;
    this.#next = tokens.next().value;
  }

  peek(): Token {
    return this.#next;
  }

  take(): Token {
    const token = this.#next;
    if (token.kind !== 'end') this.#next = this.#tokens.next().value;
    return token;
  }

  /** The token, if it is one of these symbols. */
  takeIf(...symbols: readonly string[]): Token | undefined {
    const { kind, text } = this.#next;
    return kind === 'symbol' && symbols.includes(text) ? this.take() : undefined;
  }
}

/** `close`: the symbol that ends the message; empty for the end of the text. */
const fieldsUntil = (reader: TokenReader, close: string, depth: number): readonly TextField[] => {
  const fields: TextField[] = [];
  while (true) {
    const next = reader.peek();
    if (next.kind === 'end' && close === '') return fields;
    if (next.kind === 'end') throw new SyntaxFault(next, `the text ends where a '${close}' is missing`);
    if (close !== '' && reader.takeIf(close)) return fields;
    fields.push(field(reader, depth));
    reader.takeIf(',', ';');
  }
};

const field = (reader: TokenReader, depth: number): TextField => {
  const { kind, text: name, line, column } = reader.take();
  if (kind !== 'word') throw new SyntaxFault({ line, column }, 'the name of a field is expected here');
  const colon = reader.takeIf(':') !== undefined;
  const isList = reader.peek().kind === 'symbol' && reader.peek().text === '[';
  const values = isList ? list(reader, depth) : [value(reader, depth)];
  const bare = values.find((each) => each.kind !== 'message');
  if (bare && !colon)
    throw new SyntaxFault({ line, column }, "after the name of this field a ':' or a '{' is missing");
  return { name, line, column, values, isList };
};

const list = (reader: TokenReader, depth: number): readonly TextValue[] => {
  reader.take();
  if (reader.takeIf(']')) return [];
  const values = [value(reader, depth)];
  while (reader.takeIf(',')) values.push(value(reader, depth));
  if (!reader.takeIf(']')) throw new SyntaxFault(reader.peek(), "a ',' or a ']' is missing in this list");
  return values;
};

const value = (reader: TokenReader, depth: number): TextValue => {
  const first = reader.take();
  const { line, column } = first;
  const place = { line, column };
  if (first.kind === 'symbol' && (first.text === '{' || first.text === '<')) {
    if (depth === deepest) throw new SyntaxFault(place, `messages lie more than ${deepest} deep here`);
    const fields = fieldsUntil(reader, first.text === '{' ? '}' : '>', depth + 1);
    return { kind: 'message', fields, ...place };
  }
  if (first.kind === 'string') return { kind: 'string', text: textOf(strings(first, reader)), ...place };
  const sign = first.kind === 'symbol' && first.text === '-' ? '-' : '';
  const plain = sign ? reader.take() : first;
  if (plain.kind === 'word' || plain.kind === 'number')
    return { kind: 'plain', text: `${sign}${plain.text}`, ...place };
  throw new SyntaxFault(plain, 'a value is expected here: a string, a number, a name or a { }');
};

const strings = (first: Token, reader: TokenReader): readonly Token[] => {
  const literals = [first];
  while (reader.peek().kind === 'string') literals.push(reader.take());
  return literals;
};
