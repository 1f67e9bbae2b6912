/**
 * Schemas as data: the source of TypeScript types, validation, and the structural OpenAPI v3 schemas of the CRDs. Every node has
 * a description; every string and list has a bound. Own code instead of TypeBox, which cannot enforce these two rules by type
 * and does not know Kubernetes quantities, list types and CEL rules.
 */
export type Rule = { readonly rule: string; readonly message: string };

type Common<D> = {
  readonly description: string;
  readonly default?: D;
  readonly validations?: readonly Rule[];
};

export type StringSchema<T extends string = string> = Common<T> & {
  readonly type: 'string';
  readonly enum?: readonly T[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
};
export type IntegerSchema = Common<number> & {
  readonly type: 'integer';
  readonly format?: 'int32' | 'int64';
  readonly minimum?: number;
  readonly maximum?: number;
};
export type BooleanSchema = Common<boolean> & { readonly type: 'boolean' };
/** A Kubernetes quantity (`x-kubernetes-int-or-string`); the pattern applies to strings. */
export type QuantitySchema = Common<string> & {
  readonly type: 'quantity';
  readonly pattern: string;
  readonly maxLength: number;
};
export interface ArraySchema<I extends Schema = Schema> extends Common<never[]> {
  readonly type: 'array';
  readonly items: I;
  readonly minItems?: number;
  readonly maxItems: number;
  readonly 'x-kubernetes-list-type'?: 'map' | 'set' | 'atomic';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}
export interface MapSchema<V extends Schema = Schema> extends Common<never> {
  readonly type: 'object';
  readonly additionalProperties: V;
  readonly maxProperties: number;
}
export interface ObjectSchema<P extends Properties = Properties, R extends string = string>
  extends Common<object> {
  readonly type: 'object';
  readonly properties: P;
  readonly required?: readonly R[];
  /** `atomic`: the object has one owner, who replaces it as a whole. */
  readonly 'x-kubernetes-map-type'?: 'atomic';
}
export type Schema =
  | StringSchema
  | IntegerSchema
  | BooleanSchema
  | QuantitySchema
  | ArraySchema
  | MapSchema
  | ObjectSchema;
export type Properties = { readonly [name: string]: Schema };

/** TypeScript type of a stored value: fields with a default are always present. */
export type ValueOf<S> =
  S extends ObjectSchema<infer P, infer R>
    ? Simplify<{ [K in keyof P & R]: ValueOf<P[K]> } & { [K in Exclude<keyof P, R>]?: ValueOf<P[K]> }>
    : S extends MapSchema<infer V>
      ? { [name: string]: ValueOf<V> }
      : S extends ArraySchema<infer I>
        ? ValueOf<I>[]
        : S extends StringSchema<infer T>
          ? T
          : S extends IntegerSchema
            ? number
            : S extends BooleanSchema
              ? boolean
              : S extends QuantitySchema
                ? string | number
                : never;

type Simplify<T> = { [K in keyof T]: T[K] } & {};

type Extras<S> = Partial<Omit<S, 'type' | 'description'>>;

/** A string of at most 253 characters, unless `extras` says otherwise. */
export const text = (description: string, extras: Extras<StringSchema> = {}): StringSchema => ({
  type: 'string',
  maxLength: 253,
  ...extras,
  description,
});

/** A decimal number as a string, because floats do not survive every client. */
export const decimal = (description: string): StringSchema =>
  text(description, { maxLength: 32, pattern: '^-?[0-9]+([.][0-9]+)?$|^inf$' });

/** An enum of strings. */
export const oneOf = <const T extends string>(
  values: readonly T[],
  description: string,
  extras: { readonly default?: NoInfer<T> } = {},
): StringSchema<T> => ({ type: 'string', enum: values, ...extras, description });

/** An int32, unless `extras` says otherwise. */
export const integer = (description: string, extras: Extras<IntegerSchema> = {}): IntegerSchema => ({
  type: 'integer',
  format: 'int32',
  ...extras,
  description,
});

/** A boolean. */
export const flag = (description: string, extras: Extras<BooleanSchema> = {}): BooleanSchema => ({
  type: 'boolean',
  ...extras,
  description,
});

/** A Kubernetes quantity. */
export const quantity = (
  description: string,
  extras: Pick<QuantitySchema, 'pattern'> & Extras<QuantitySchema>,
): QuantitySchema => ({ type: 'quantity', maxLength: 32, ...extras, description });

type ObjectExtras<R> = {
  readonly required?: readonly R[];
  readonly default?: object;
  readonly validations?: readonly Rule[];
  readonly 'x-kubernetes-map-type'?: 'atomic';
};

/** An object. `required`: fields present in every stored object, either mandatory or with a default. */
export function object<const P extends Properties>(
  description: string,
  properties: P,
  extras?: ObjectExtras<never>,
): ObjectSchema<P, never>;
export function object<const P extends Properties, const R extends keyof P & string>(
  description: string,
  properties: P,
  extras: ObjectExtras<R>,
): ObjectSchema<P, R>;
export function object(
  description: string,
  properties: Properties,
  extras: ObjectExtras<string> = {},
): ObjectSchema {
  return { type: 'object', properties, ...extras, description };
}

/** A list that is replaced as a whole (list type `atomic`). */
export const list = <const I extends Schema>(
  description: string,
  items: I,
  extras: { readonly maxItems: number; readonly minItems?: number; readonly validations?: readonly Rule[] },
): ArraySchema<I> => ({ type: 'array', items, 'x-kubernetes-list-type': 'atomic', ...extras, description });

/** A list of type `map`: entries are identified by `key`, so that several field managers can own entries. */
export const keyedList = <const I extends Schema>(
  description: string,
  items: I,
  extras: { readonly key: string; readonly maxItems: number; readonly minItems?: number },
): ArraySchema<I> => {
  const { key, ...bounds } = extras;
  return {
    type: 'array',
    items,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [key],
    ...bounds,
    description,
  };
};

/** A map with string keys. */
export const map = <const V extends Schema>(
  description: string,
  values: V,
  extras: { readonly maxProperties: number; readonly validations?: readonly Rule[] },
): MapSchema<V> => ({ type: 'object', additionalProperties: values, ...extras, description });
