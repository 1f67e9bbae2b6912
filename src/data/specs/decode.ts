/**
 * Decodes a tree of fields to typed values by a schema. Never throws: a mismatch is recorded with its position, and the rest
 * is decoded. As in protobuf's Merge, the last value of a repeated singular field wins, and messages are merged.
 */
import { suggestWord } from '../../ground/base/nearest.ts';
import { parseBoolean, parseEnum, parseFloat32, parseInteger } from './literals.ts';
import type { Notes } from './notes.ts';
import type { FieldType, MessageType, MessageValue } from './schema.ts';
import type { TextField, TextMessage, TextValue } from './text-tree.ts';

/** Decodes a whole spec. Mismatches and unknown fields are added to `notes`. */
export const decodeMessage = <T extends MessageType>(
  tree: TextMessage,
  type: T,
  notes: Notes,
): MessageValue<T> => {
  const target = notes.begin({}, tree, '');
  mergeInto(target, tree, { type, notes });
  notes.startReading();
  return target as MessageValue<T>;
};

type Values = Record<string, unknown>;
type How<T extends FieldType = FieldType> = { readonly type: T; readonly notes: Notes };

const mergeInto = (target: Values, tree: TextMessage, { type, notes }: How<MessageType>): void => {
  for (const field of tree.fields) {
    const known = Object.hasOwn(type.fields, field.name) ? type.fields[field.name] : undefined;
    if (known === undefined) {
      noteUnknown(target, field, { type, notes });
      continue;
    }
    const others = type.oneofs.find((group) => group.includes(field.name)) ?? [];
    for (const other of others) if (other !== field.name) delete target[other];
    notes.place(target, field.name, field);
    setField(target, field, { type: known, notes });
  }
};

/** Longer names are not compared with the known ones: too slow, and never a typo. */
const maxTypoLength = 64;

const noteUnknown = (target: Values, field: TextField, { type, notes }: How<MessageType>): void => {
  const isTypo = field.name.length <= maxTypoLength && !notes.isFull;
  const near = isTypo ? suggestWord(field.name, Object.keys(type.fields)) : undefined;
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  if (near !== undefined) notes.excuse(target, near);
  notes.add(target, field.name, { place: field, what: `unknown field${hint}` });
};

const setField = (target: Values, field: TextField, { type, notes }: How): void => {
  if (type.kind === 'repeated' || type.kind === 'map') {
    const add = type.kind === 'map' ? addEntry : addElement;
    for (const value of field.values) add(target, field.name, { value, type: type.of, notes });
    return;
  }
  const [value] = field.values;
  if (field.isList || value === undefined) {
    notes.add(target, field.name, { place: field, what: 'a single value is required, not a list' });
    return;
  }
  const decoded = decodeValue(target, field.name, { value, type, notes });
  if (decoded !== undefined) target[field.name] = decoded;
};

type Given = How & { readonly value: TextValue };

const addElement = (target: Values, name: string, given: Given): void => {
  const elements = (target[name] ?? []) as unknown[];
  target[name] = elements;
  const decoded = decodeValue({}, name, { ...given, owner: target, element: elements.length });
  if (decoded !== undefined) elements.push(decoded);
};

/** A map entry, `{ key: "car" value: "vehicle" }`. As in protobuf, a missing key or value is empty or 0. */
const addEntry = (target: Values, name: string, { value, type, notes }: Given): void => {
  const entries = (target[name] ?? new Map()) as Map<string, unknown>;
  target[name] = entries;
  const entryType: MessageType = {
    kind: 'message',
    fields: { key: { kind: 'string' }, value: type },
    oneofs: [],
  };
  const entry = decodeValue({}, name, { value, type: entryType, notes, owner: target }) as object | undefined;
  if (entry === undefined) return;
  notes.forget(entry);
  const { key = '', value: decoded = emptyOf(type) } = entry as { key?: string; value?: unknown };
  if (decoded !== undefined) entries.set(key, decoded);
};

const emptyOf = (type: FieldType): unknown => {
  if (type.kind === 'string') return '';
  if (type.kind === 'message') return {};
  return type.kind === 'float' || type.kind === 'integer' ? 0 : undefined;
};

/** `owner`: the message with the field, if not the target itself. `element`: index in a repeated field. */
type Placed = Given & { readonly owner?: Values; readonly element?: number };

/** Undefined on a mismatch, which is recorded. A message is merged into the existing one of that name. */
const decodeValue = (target: Values, name: string, given: Placed): unknown => {
  const { value, type, notes, owner = target, element } = given;
  if (type.kind === 'either')
    return decodeValue(target, name, {
      ...given,
      type: value.kind === 'string' ? { kind: 'string' } : type.message,
    });
  if (type.kind === 'message' && value.kind === 'message') {
    const there = target[name];
    const before = typeof there === 'object' ? (there as Values) : undefined;
    const path = notes.pathOf(owner, element === undefined ? name : `${name}[${element}]`);
    const into = before ?? notes.begin({}, value, path);
    mergeInto(into, value, { type, notes });
    return into;
  }
  const decoded = decodeScalar(value, type);
  if (decoded === undefined) notes.add(owner, name, { place: value, what: describeMisfit(value, type) });
  return decoded;
};

const decodeScalar = (value: TextValue, type: FieldType): unknown => {
  if (type.kind === 'string') return value.kind === 'string' ? value.text : undefined;
  if (value.kind !== 'plain') return undefined;
  if (type.kind === 'bool') return parseBoolean(value.text);
  if (type.kind === 'integer') return parseInteger(value.text, type);
  if (type.kind === 'float') return parseFloat32(value.text);
  return type.kind === 'enum' ? parseEnum(value.text, type) : undefined;
};

/** Never shows strings, or any value in place of a string: it may be a key. */
const describeMisfit = (value: TextValue, type: FieldType): string => {
  if (type.kind === 'string') return `a quoted string is required, found ${kindNames[value.kind]} was found`;
  if (value.kind !== 'plain' || type.kind === 'message')
    return `${describeType(type)} is required, found ${kindNames[value.kind]}`;
  return `${describeType(type)} is required, found ${value.text.slice(0, 40)}`;
};

const kindNames: Readonly<Record<TextValue['kind'], string>> = {
  message: 'a message { }',
  string: 'a quoted string',
  plain: 'an unquoted value',
};

const describeType = (type: FieldType): string => {
  if (type.kind === 'integer') return `an integer from ${type.min} to ${type.max}`;
  if (type.kind === 'enum') return `one of ${Object.keys(type.numbers).join(', ')}`;
  if (type.kind === 'bool') return 'true or false';
  return type.kind === 'float' ? 'a number' : 'a message { }';
};
