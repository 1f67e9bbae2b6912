/** Types of flag tables, and of the values that a parsed command line has. */

type Row = {
  readonly help: string;
  /** Short form (the letter of `-m`) first, if any; longer entries are alternative names of `--flag`. */
  readonly aliases?: readonly string[];
  readonly required?: true;
  readonly added?: true;
};
export type FlagRow = Row &
  (
    | { readonly type: 'text'; readonly default?: string; readonly placeholder: string }
    | { readonly type: 'switch' }
    /** May be repeated; every value counts. */
    | { readonly type: 'list'; readonly placeholder: string; readonly default?: undefined }
    | {
        readonly type: 'integer';
        readonly minimum: number;
        readonly maximum: number;
        readonly default?: number;
        readonly placeholder: string;
      }
    | { readonly type: 'share'; readonly default: number; readonly placeholder: string }
    | { readonly type: 'choice'; readonly values: readonly string[]; readonly default?: string }
  );
export type FlagTable = Readonly<Record<string, FlagRow>>;

/** Name of a flag, followed by its aliases. */
export const namesOf = ([name, { aliases = [] }]: readonly [string, FlagRow]): readonly string[] => [
  name,
  ...aliases,
];

type ValueOf<R extends FlagRow> = R extends { type: 'integer' | 'share' }
  ? number
  : R extends { type: 'switch' }
    ? boolean
    : R extends { type: 'list' }
      ? readonly string[]
      : R extends { type: 'choice'; values: readonly (infer V)[] }
        ? V
        : string;
type Always<R> = R extends { required: true } | { default: unknown } | { type: 'switch' | 'list' }
  ? true
  : false;

/** Values of a parsed command line. Flags without a default are present only if they were passed. */
export type ValuesOf<T extends FlagTable> = {
  readonly [K in keyof T as Always<T[K]> extends true ? K : never]: ValueOf<T[K]>;
} & { readonly [K in keyof T as Always<T[K]> extends true ? never : K]?: ValueOf<T[K]> };
