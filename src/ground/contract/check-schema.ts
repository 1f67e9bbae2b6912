/**
 * Validates values against schemas by the rules of the apiserver, for the types, bounds and patterns that our schemas use.
 * Unlike the apiserver, which prunes them, it rejects unknown fields. Own code instead of a JSON Schema validator, which would
 * not know Kubernetes quantities and int-or-string.
 */
import type { ArraySchema, IntegerSchema, MapSchema, ObjectSchema, Schema, StringSchema } from './schema.ts';

/** The first fault with its path (`etlt.sha256 is …`); undefined if the value is valid. Does not evaluate CEL rules. */
export const findFault = (schema: Schema, value: unknown, path = ''): string | undefined => {
  if ('properties' in schema) return objectFault(schema, value, path);
  if ('additionalProperties' in schema) return mapFault(schema, value, path);
  switch (schema.type) {
    case 'array':
      return arrayFault(schema, value, path);
    case 'string':
      return stringFault(schema, value, path);
    case 'integer':
      return integerFault(schema, value, path);
    case 'quantity':
      return typeof value === 'number'
        ? integerFault(anyInteger, value, path)
        : stringFault({ ...schema, type: 'string' }, value, path);
    default:
      return typeof value === 'boolean' ? undefined : at(path, 'is no boolean');
  }
};

const anyInteger: IntegerSchema = { type: 'integer', format: 'int64', description: 'Any whole number.' };

const at = (path: string, fault: string): string => `${path === '' ? 'the value' : path} ${fault}`;
const member = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The first fault of several checks; stops at it. */
const first = <T>(items: Iterable<T>, check: (item: T) => string | undefined): string | undefined => {
  for (const item of items) {
    const fault = check(item);
    if (fault !== undefined) return fault;
  }
  return undefined;
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const objectFault = (
  { properties, required = [] }: ObjectSchema,
  value: unknown,
  path: string,
): string | undefined => {
  if (!isRecord(value)) return at(path, 'is no object');
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return at(member(path, missing), 'is missing');
  return first(Object.keys(value), (name) =>
    Object.hasOwn(properties, name)
      ? findFault(properties[name]!, value[name], member(path, name))
      : at(path, `has a field that is not known: ${name.slice(0, 64)}`),
  );
};

const mapFault = (
  { additionalProperties, maxProperties }: MapSchema,
  value: unknown,
  path: string,
): string | undefined => {
  if (!isRecord(value)) return at(path, 'is no object');
  const names = Object.keys(value);
  if (names.length > maxProperties) return at(path, `has more than ${maxProperties} entries`);
  return first(names, (name) =>
    findFault(additionalProperties, value[name], member(path, name.slice(0, 64))),
  );
};

const arrayFault = (
  { items, minItems = 0, maxItems }: ArraySchema,
  value: unknown,
  path: string,
): string | undefined => {
  if (!Array.isArray(value)) return at(path, 'is no list');
  if (value.length < minItems || value.length > maxItems)
    return at(path, `has ${value.length} entries and may have ${minItems} to ${maxItems}`);
  return first(value.entries(), ([index, item]) => findFault(items, item, `${path}[${index}]`));
};

/** Lengths are in code points, as in the apiserver. */
const stringFault = (
  { minLength = 0, maxLength, pattern, enum: values }: StringSchema,
  value: unknown,
  path: string,
): string | undefined => {
  if (typeof value !== 'string') return at(path, 'is no string');
  if (values && !values.includes(value)) return at(path, `is none of ${values.join(', ')}`);
  const length = [...value].length;
  if (length < minLength) return at(path, `is shorter than ${minLength} characters`);
  if (maxLength !== undefined && length > maxLength)
    return at(path, `is longer than ${maxLength} characters`);
  const fits = pattern === undefined || new RegExp(pattern, 'u').test(value);
  return fits ? undefined : at(path, `does not match ${pattern}`);
};

const int32Limit = 2 ** 31;

const integerFault = (
  { format = 'int32', minimum, maximum }: IntegerSchema,
  value: unknown,
  path: string,
): string | undefined => {
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
  if (!isWhole) return at(path, 'is no whole number');
  const [least, most] =
    format === 'int32' ? [-int32Limit, int32Limit - 1] : [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  const low = Math.max(least, minimum ?? least);
  const high = Math.min(most, maximum ?? most);
  return value >= low && value <= high ? undefined : at(path, `is not between ${low} and ${high}`);
};
