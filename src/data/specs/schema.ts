/** The words in which a spec's messages are written down as tables, and the TypeScript types that follow from them. */

export type FieldType =
  | { readonly kind: 'string' }
  | { readonly kind: 'bool' }
  /** Rounded to 32 bits, as protobuf keeps it. */
  | { readonly kind: 'float' }
  | { readonly kind: 'integer'; readonly least: number; readonly most: number }
  | { readonly kind: 'enum'; readonly numbers: Readonly<Record<string, number>> }
  | { readonly kind: 'repeated'; readonly of: FieldType }
  /** Keys are strings. */
  | { readonly kind: 'map'; readonly of: FieldType }
  /** One family of TLT wrote a string where the other has a message. */
  | { readonly kind: 'either'; readonly message: MessageType }
  | MessageType;

/** Interfaces, since a type alias may not lead back to itself this way. */
export interface Fields {
  readonly [name: string]: FieldType;
}

export interface MessageType<F extends Fields = Fields> {
  readonly kind: 'message';
  readonly fields: F;
  /** Of each group the field that was set last counts. */
  readonly oneofs: readonly (readonly string[])[];
}

/** What a decoded value is. A field that the text does not set is absent. */
export type ValueOf<T extends FieldType> = T extends { kind: 'string' }
  ? string
  : T extends { kind: 'bool' }
    ? boolean
    : T extends { kind: 'float' | 'integer' }
      ? number
      : T extends { kind: 'enum'; numbers: infer N }
        ? keyof N & string
        : T extends { kind: 'repeated'; of: infer E extends FieldType }
          ? readonly ValueOf<E>[]
          : T extends { kind: 'map'; of: infer E extends FieldType }
            ? ReadonlyMap<string, ValueOf<E>>
            : T extends { kind: 'either'; message: infer M extends MessageType }
              ? string | ValueOf<M>
              : T extends MessageType<infer F>
                ? { readonly [K in keyof F]?: ValueOf<F[K]> }
                : never;

export const string = { kind: 'string' } as const;
export const bool = { kind: 'bool' } as const;
export const float = { kind: 'float' } as const;
export const int32 = { kind: 'integer', least: -(2 ** 31), most: 2 ** 31 - 1 } as const;
export const uint32 = { kind: 'integer', least: 0, most: 2 ** 32 - 1 } as const;

export const message = <const F extends Fields>(
  fields: F,
  ...oneofs: readonly (readonly (keyof F & string)[])[]
): MessageType<F> => ({ kind: 'message', fields, oneofs });

export const repeated = <const T extends FieldType>(of: T) => ({ kind: 'repeated', of }) as const;
export const map = <const T extends FieldType>(of: T) => ({ kind: 'map', of }) as const;
export const either = <const M extends MessageType>(alternative: M) =>
  ({ kind: 'either', message: alternative }) as const;

/** Values are numbered from 0 in their order. */
export const enumeration = <const N extends string>(...names: readonly N[]) => {
  const numbers = Object.fromEntries(names.map((name, number) => [name, number])) as Record<N, number>;
  return { kind: 'enum', numbers } as const;
};

/** Several fields of one type: `all(float, 'lr decay')`. */
export const all = <const T extends FieldType, const S extends string>(
  type: T,
  names: S,
): { readonly [K in Words<S>]: T } =>
  Object.fromEntries(names.split(' ').map((name) => [name, type])) as { [K in Words<S>]: T };

type Words<S extends string> = S extends `${infer Head} ${infer Tail}` ? Head | Words<Tail> : S;
