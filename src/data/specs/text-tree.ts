/**
 * Parses protobuf text format to a tree of fields, without a schema and with bounded depth. No message of this file quotes
 * the text: it may not be a spec, and a value of a spec can be a key.
 */
import { decodeStrings } from './strings.ts';
import { type Place, SyntaxFault, type Token, tokenise } from './tokens.ts';

/** A field with its values and position. */
export type TextField = Place & {
  readonly name: string;
  /** A single value, or the elements of a list `[a, b]`. */
  readonly values: readonly TextValue[];
  readonly isList: boolean;
};

/** A message; the root of the tree is one, too. */
export type TextMessage = Place & { readonly kind: 'message'; readonly fields: readonly TextField[] };

/** A value whose type is not known yet. */
export type TextValue =
  | TextMessage
  | (Place & { readonly kind: 'string'; readonly text: string })
  /** A number or identifier as written, including the sign. */
  | (Place & { readonly kind: 'plain'; readonly text: string });

/** Maximum nesting; the limit of protobuf's own parsers. */
const maxDepth = 100;

/** Parses a whole text. @throws SyntaxFault; UserError SpecInvalid if the text is too long */
export const parseTextTree = (text: string): TextMessage => {
  const reader = new TokenReader(tokenise(text));
  return { kind: 'message', line: 1, column: 1, fields: readFields(reader, '', 0) };
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

/** Fields up to `close`, the symbol that ends the message; empty for the end of the text. */
const readFields = (reader: TokenReader, close: string, depth: number): readonly TextField[] => {
  const fields: TextField[] = [];
  while (true) {
    const next = reader.peek();
    if (next.kind === 'end' && close === '') return fields;
    if (next.kind === 'end') throw new SyntaxFault(next, `the text ends, but '${close}' is expected`);
    if (close !== '' && reader.takeIf(close)) return fields;
    fields.push(readField(reader, depth));
    reader.takeIf(',', ';');
  }
};

const readField = (reader: TokenReader, depth: number): TextField => {
  const { kind, text: name, line, column } = reader.take();
  if (kind !== 'word') throw new SyntaxFault({ line, column }, 'a field name is expected here');
  const colon = reader.takeIf(':') !== undefined;
  const isList = reader.peek().kind === 'symbol' && reader.peek().text === '[';
  const values = isList ? readList(reader, depth) : [readValue(reader, depth)];
  const bare = values.find((each) => each.kind !== 'message');
  if (bare && !colon) throw new SyntaxFault({ line, column }, "':' or '{' is expected after this field name");
  return { name, line, column, values, isList };
};

const readList = (reader: TokenReader, depth: number): readonly TextValue[] => {
  reader.take();
  if (reader.takeIf(']')) return [];
  const values = [readValue(reader, depth)];
  while (reader.takeIf(',')) values.push(readValue(reader, depth));
  if (!reader.takeIf(']')) throw new SyntaxFault(reader.peek(), "',' or ']' is expected in this list");
  return values;
};

const readValue = (reader: TokenReader, depth: number): TextValue => {
  const first = reader.take();
  const { line, column } = first;
  const place = { line, column };
  if (first.kind === 'symbol' && (first.text === '{' || first.text === '<')) {
    if (depth === maxDepth)
      throw new SyntaxFault(place, `messages are nested more than ${maxDepth} levels deep here`);
    const fields = readFields(reader, first.text === '{' ? '}' : '>', depth + 1);
    return { kind: 'message', fields, ...place };
  }
  if (first.kind === 'string')
    return { kind: 'string', text: decodeStrings(readStrings(first, reader)), ...place };
  const sign = first.kind === 'symbol' && first.text === '-' ? '-' : '';
  const plain = sign ? reader.take() : first;
  if (plain.kind === 'word' || plain.kind === 'number')
    return { kind: 'plain', text: `${sign}${plain.text}`, ...place };
  throw new SyntaxFault(plain, 'a value is expected here: a string, a number, an identifier or a { }');
};

const readStrings = (first: Token, reader: TokenReader): readonly Token[] => {
  const literals = [first];
  while (reader.peek().kind === 'string') literals.push(reader.take());
  return literals;
};
