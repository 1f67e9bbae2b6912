/**
 * A tree of fields → typed values, by a schema. Nothing is thrown: what does not fit is noted with its place, and the
 * rest is decoded. Of a singular field that comes twice the last value counts, messages merge, as protobuf's Merge does.
 */
import { nearest } from '../../ground/base/nearest.ts';
import { booleanOf, enumOf, floatOf, integerOf } from './literals.ts';
import type { Notes } from './notes.ts';
import type { FieldType, MessageType, ValueOf } from './schema.ts';
import type { TextField, TextMessage, TextValue } from './text-tree.ts';

export const decodeMessage = <T extends MessageType>(
  tree: TextMessage,
  type: T,
  notes: Notes,
): ValueOf<T> => {
  const target = notes.begin({}, tree, '');
  mergeInto(target, tree, { type, notes });
  notes.startReading();
  return target as ValueOf<T>;
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

/** Comparing longer words with all names would take time for nothing. */
const longestTypo = 64;

const noteUnknown = (target: Values, field: TextField, { type, notes }: How<MessageType>): void => {
  const isTypo = field.name.length <= longestTypo && !notes.isFull;
  const near = isTypo ? nearest(field.name, Object.keys(type.fields)) : undefined;
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  if (near !== undefined) notes.excuse(target, near);
  notes.add(target, field.name, { place: field, what: `there is no such field${hint}` });
};

const setField = (target: Values, field: TextField, { type, notes }: How): void => {
  if (type.kind === 'repeated' || type.kind === 'map') {
    const add = type.kind === 'map' ? addEntry : addElement;
    for (const value of field.values) add(target, field.name, { value, type: type.of, notes });
    return;
  }
  const [value] = field.values;
  if (field.isList || value === undefined) {
    notes.add(target, field.name, { place: field, what: 'it takes one value, not a list' });
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

/** `{ key: "car" value: "vehicle" }`; what is left out is empty or 0, as in protobuf. */
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

/** `owner` has the field if it is not the target itself; `element` numbers one of several. */
type Placed = Given & { readonly owner?: Values; readonly element?: number };

/** Undefined where it does not fit, which is noted. A message is merged into what the target has under the name. */
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
  const decoded = scalarOf(value, type);
  if (decoded === undefined) notes.add(owner, name, { place: value, what: misfit(value, type) });
  return decoded;
};

const scalarOf = (value: TextValue, type: FieldType): unknown => {
  if (type.kind === 'string') return value.kind === 'string' ? value.text : undefined;
  if (value.kind !== 'plain') return undefined;
  if (type.kind === 'bool') return booleanOf(value.text);
  if (type.kind === 'integer') return integerOf(value.text, type);
  if (type.kind === 'float') return floatOf(value.text);
  return type.kind === 'enum' ? enumOf(value.text, type) : undefined;
};

/** Strings are never shown, nor what stands where one belongs: it can be a key. */
const misfit = (value: TextValue, type: FieldType): string => {
  if (type.kind === 'string') return `a string in quotes is needed, and ${kindNames[value.kind]} was found`;
  if (value.kind !== 'plain' || type.kind === 'message')
    return `${wanted(type)} is needed, and ${kindNames[value.kind]} was found`;
  return `${wanted(type)} is needed, and ${value.text.slice(0, 40)} was found`;
};

const kindNames: Readonly<Record<TextValue['kind'], string>> = {
  message: 'a message { }',
  string: 'a string in quotes',
  plain: 'a value without quotes',
};

const wanted = (type: FieldType): string => {
  if (type.kind === 'integer') return `a whole number from ${type.least} to ${type.most}`;
  if (type.kind === 'enum') return `one of ${Object.keys(type.numbers).join(', ')}`;
  if (type.kind === 'bool') return 'true or false';
  return type.kind === 'float' ? 'a number' : 'a message { }';
};
