/** Texts decoded by a schema, as JSON that a peer can give too. */
import { decodeMessage } from '../../src/data/specs/decode.ts';
import { Notes } from '../../src/data/specs/notes.ts';
import type { FieldType, MessageType } from '../../src/data/specs/schema.ts';
import { parseTextTree } from '../../src/data/specs/text-tree.ts';
import { SyntaxFault } from '../../src/data/specs/tokens.ts';

export type Decoded = { readonly value: unknown } | { readonly error: string };

/** The value, or the first thing that is wrong. */
export const decoded = (text: string, schema: MessageType): Decoded => {
  const notes = new Notes();
  try {
    const value = decodeMessage(parseTextTree(text), schema, notes);
    const [issue] = notes.issues;
    return issue
      ? { error: `${issue.line}:${issue.column} ${issue.path}: ${issue.what}` }
      : { value: plain(value) };
  } catch (thrown) {
    if (!(thrown instanceof SyntaxFault)) throw thrown;
    return { error: `${thrown.place.line}:${thrown.place.column} ${thrown.message}` };
  }
};

/** Maps become objects; numbers that JSON lacks become Python's words for them. */
const plain = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, of]) => [key, plain(of)]));
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(plain);
  if (typeof value === 'number' && !Number.isFinite(value))
    return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, of]) => {
      const inner = plain(of);
      return inner === undefined ? [] : [[key, inner]];
    }),
  );
};

/** Protobuf knows no field that is a string or a message: the text tells which it is. */
export const withoutEither = (schema: MessageType, asString: boolean): MessageType => ({
  ...schema,
  fields: Object.fromEntries(
    Object.entries(schema.fields).map(([name, type]) => [name, resolved(type, asString)]),
  ),
});

const resolved = (type: FieldType, asString: boolean): FieldType => {
  if (type.kind === 'either') return asString ? { kind: 'string' } : withoutEither(type.message, asString);
  if (type.kind === 'message') return withoutEither(type, asString);
  return type.kind === 'map' || type.kind === 'repeated'
    ? { ...type, of: resolved(type.of, asString) }
    : type;
};
