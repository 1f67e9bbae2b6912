/**
 * Content keys as tables of the fields that decide the bytes of an artifact. A default, false or an empty list is left
 * out of the hash, so a new field of a later API version, whose default the apiserver fills in, changes no key.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { isSameJson } from '../../ground/base/same-json.ts';
import type { Schema } from '../../ground/contract/schema.ts';

/** Dotted paths of fields. A list counts as a whole. */
export type KeyTable = {
  /** Raised, in a new table beside the old one, when the same fields would produce other bytes. */
  readonly version: number;
  /** Fields by the API version that introduced them. Fields of later versions need a default or are optional. */
  readonly since: Readonly<Record<string, readonly string[]>>;
};

/** Values that are hashed in addition to fields: digests, and facts derived from several fields. */
export type KeyFacts = Readonly<Record<string, unknown>>;

type KeyInputs = { readonly schema: Schema; readonly object: object; readonly facts?: KeyFacts };

/** The content key of an object by this table. */
export const computeKey = (
  { version, since }: KeyTable,
  { schema, object, facts = {} }: KeyInputs,
): string => {
  const fields = Object.values(since)
    .flat()
    .map((path) => [path, dropDefault(readField(object, path), findSchema(schema, path))] as const);
  return contentKey({ version, ...Object.fromEntries(fields), ...facts });
};

/** The keys of an artifact by each of these tables, the newest first. They name the same content. */
export const computeKeys = (
  tables: readonly [KeyTable, ...KeyTable[]],
  keyed: KeyInputs,
): readonly string[] => tables.map((table) => computeKey(table, keyed));

/** The key by the newest table, unless status has that of an older one: a stored artifact keeps its key. */
export const chooseKey = (keys: readonly string[], stored: string | undefined): string =>
  keys.find((key) => key === stored) ?? keys[0]!;

const dropDefault = (value: unknown, schema: Schema): unknown => {
  const saysNothing = value === false || (Array.isArray(value) && value.length === 0);
  return saysNothing || isSameJson(value, schema.default) ? undefined : value;
};

const readField = (object: unknown, path: string): unknown => {
  let value = object;
  for (const name of path.split('.'))
    value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
};

/**
 * The schema of the field at a dotted path.
 * @throws RangeError if the schema has no such field
 */
export const findSchema = (root: Schema, path: string): Schema => {
  let schema = root;
  for (const name of path.split('.')) {
    const field = 'properties' in schema ? schema.properties[name] : undefined;
    if (field === undefined) throw new RangeError(`no field ${path}`);
    schema = field;
  }
  return schema;
};
