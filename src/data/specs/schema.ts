/**
 * Describes spec messages as tables, from which the TypeScript types follow. Own code instead of protoc-gen-es, because NVIDIA
 * does not publish the .proto files, and protobuf-es has no text-format parser.
 */

/** Type of a field. */
export type FieldType =
  | { readonly kind: 'string' }
  | { readonly kind: 'bool' }
  /** Rounded to float32, like a protobuf float. */
  | { readonly kind: 'float' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  | { readonly kind: 'enum'; readonly numbers: Readonly<Record<string, number>> }
  | { readonly kind: 'repeated'; readonly of: FieldType }
  /** Map with string keys. */
  | { readonly kind: 'map'; readonly of: FieldType }
  /** A string in one family of TLT, a message in the other. */
  | { readonly kind: 'either'; readonly message: MessageType }
  | MessageType;

/** Field name → type. An interface, because a type alias cannot be recursive here. */
export interface FieldTypes {
  readonly [name: string]: FieldType;
}

/** A message and its fields. */
export interface MessageType<F extends FieldTypes = FieldTypes> {
  readonly kind: 'message';
  readonly fields: F;
  /** Groups of exclusive fields; the last one set wins. */
  readonly oneofs: readonly (readonly string[])[];
}

/** TypeScript type of a decoded value. Fields that are not set are absent. */
export type MessageValue<T extends FieldType> = T extends { kind: 'string' }
  ? string
  : T extends { kind: 'bool' }
    ? boolean
    : T extends { kind: 'float' | 'integer' }
      ? number
      : T extends { kind: 'enum'; numbers: infer N }
        ? keyof N & string
        : T extends { kind: 'repeated'; of: infer E extends FieldType }
          ? readonly MessageValue<E>[]
          : T extends { kind: 'map'; of: infer E extends FieldType }
            ? ReadonlyMap<string, MessageValue<E>>
            : T extends { kind: 'either'; message: infer M extends MessageType }
              ? string | MessageValue<M>
              : T extends MessageType<infer F>
                ? { readonly [K in keyof F]?: MessageValue<F[K]> }
                : never;

/** A quoted string. */
export const string = { kind: 'string' } as const;
/** A boolean. */
export const bool = { kind: 'bool' } as const;
/** A float32. */
export const float = { kind: 'float' } as const;
/** A signed 32-bit integer. */
export const int32 = { kind: 'integer', min: -(2 ** 31), max: 2 ** 31 - 1 } as const;
/** An unsigned 32-bit integer. */
export const uint32 = { kind: 'integer', min: 0, max: 2 ** 32 - 1 } as const;

/** A message with these fields, and groups of exclusive ones (`oneof`). */
export const message = <const F extends FieldTypes>(
  fields: F,
  ...oneofs: readonly (readonly (keyof F & string)[])[]
): MessageType<F> => ({ kind: 'message', fields, oneofs });

/** A repeated field. */
export const repeated = <const T extends FieldType>(of: T) => ({ kind: 'repeated', of }) as const;
/** A map from strings. */
export const map = <const T extends FieldType>(of: T) => ({ kind: 'map', of }) as const;
/** A string, or this message. */
export const either = <const M extends MessageType>(alternative: M) =>
  ({ kind: 'either', message: alternative }) as const;

/** An enum; values are numbered from 0 in order. */
export const enumeration = <const N extends string>(...names: readonly N[]) => {
  const numbers = Object.fromEntries(names.map((name, number) => [name, number])) as Record<N, number>;
  return { kind: 'enum', numbers } as const;
};

/** Several fields of the same type: `all(float, 'lr decay')`. */
export const all = <const T extends FieldType, const S extends string>(
  type: T,
  names: S,
): { readonly [K in Words<S>]: T } =>
  Object.fromEntries(names.split(' ').map((name) => [name, type])) as { [K in Words<S>]: T };

type Words<S extends string> = S extends `${infer Head} ${infer Tail}` ? Head | Words<Tail> : S;
