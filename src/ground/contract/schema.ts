/**
 * Schemas as data: one value gives the TypeScript type, the check of a value, and the CRD's OpenAPI v3 (structural)
 * schema. Every node has a description, every string and list a bound.
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
/** A number or a string, as Kubernetes takes quantities; the pattern holds for the string. */
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

/** The value that a schema describes, as it is stored: what has a default is always there. */
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

export const text = (description: string, extras: Extras<StringSchema> = {}): StringSchema => ({
  type: 'string',
  maxLength: 253,
  ...extras,
  description,
});

export const oneOf = <const T extends string>(
  values: readonly T[],
  description: string,
  extras: { readonly default?: NoInfer<T> } = {},
): StringSchema<T> => ({ type: 'string', enum: values, ...extras, description });

export const integer = (description: string, extras: Extras<IntegerSchema> = {}): IntegerSchema => ({
  type: 'integer',
  format: 'int32',
  ...extras,
  description,
});

export const flag = (description: string, extras: Extras<BooleanSchema> = {}): BooleanSchema => ({
  type: 'boolean',
  ...extras,
  description,
});

export const quantity = (
  description: string,
  extras: Pick<QuantitySchema, 'pattern'> & Extras<QuantitySchema>,
): QuantitySchema => ({ type: 'quantity', maxLength: 32, ...extras, description });

type ObjectExtras<R> = {
  readonly required?: readonly R[];
  readonly default?: object;
  readonly validations?: readonly Rule[];
};

/** `required` names what is there in every stored object: the fields that a user must write, and those with a default. */
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

export const list = <const I extends Schema>(
  description: string,
  items: I,
  extras: { readonly maxItems: number; readonly minItems?: number; readonly validations?: readonly Rule[] },
): ArraySchema<I> => ({ type: 'array', items, 'x-kubernetes-list-type': 'atomic', ...extras, description });

/** A list whose entries are found by their key, so that several writers can own entries of it. */
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

export const map = <const V extends Schema>(
  description: string,
  values: V,
  extras: { readonly maxProperties: number; readonly validations?: readonly Rule[] },
): MapSchema<V> => ({ type: 'object', additionalProperties: values, ...extras, description });
