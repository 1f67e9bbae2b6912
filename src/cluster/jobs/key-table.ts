/**
 * Content keys as tables: which fields of an object decide the bytes of an artifact. What says the same as nothing (the
 * default of a field, false, an empty list) is left out of the hash, so that a field that a later version of the API adds,
 * with a default that the apiserver fills in, changes no key.
 */
import { canonicalJson, contentKey } from '../../ground/base/digest.ts';
import type { Schema } from '../../ground/contract/schema.ts';

/** Paths of fields, with dots. A list counts as a whole. */
export type KeyTable = {
  /** Raise it, in a new table beside the old one, when the same fields would give other bytes. */
  readonly version: number;
  /** By the version of the API that they came with; those after the first need a default, or are optional. */
  readonly since: Readonly<Record<string, readonly string[]>>;
};

/** What is hashed beside fields: digests, and facts that follow from several fields. */
export type KeyFacts = Readonly<Record<string, unknown>>;

type KeyInputs = { readonly schema: Schema; readonly object: object; readonly facts?: KeyFacts };

export const computeKey = (
  { version, since }: KeyTable,
  { schema, object, facts = {} }: KeyInputs,
): string => {
  const fields = Object.values(since)
    .flat()
    .map((path) => [path, dropDefault(readField(object, path), findSchema(schema, path))] as const);
  return contentKey({ version, ...Object.fromEntries(fields), ...facts });
};

/**
 * The key by which the artifact is known: that of the newest table, unless what is stored has the key of an older one.
 * Its fields say the same, so it stays stored under the key that it has.
 */
export const chooseKey = (
  tables: readonly [KeyTable, ...KeyTable[]],
  keyed: KeyInputs,
  stored: string | undefined,
): string => {
  const keys = tables.map((table) => computeKey(table, keyed));
  return keys.find((key) => key === stored) ?? keys[0]!;
};

const dropDefault = (value: unknown, schema: Schema): unknown => {
  const saysNothing = value === false || (Array.isArray(value) && value.length === 0);
  const isDefault = schema.default !== undefined && canonicalJson(value) === canonicalJson(schema.default);
  return saysNothing || isDefault ? undefined : value;
};

const readField = (object: unknown, path: string): unknown => {
  let value = object;
  for (const name of path.split('.'))
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
};

/** @throws RangeError for a path that the schema does not have */
export const findSchema = (root: Schema, path: string): Schema => {
  let schema = root;
  for (const name of path.split('.')) {
    const field = 'properties' in schema ? schema.properties[name] : undefined;
    if (field === undefined) throw new RangeError(`no field ${path}`);
    schema = field;
  }
  return schema;
};
