/** Describes command-line programs as data, from which parser, `--help` and reference pages are derived. */
import type { FlagTable } from './flag-table.ts';

/** Positional arguments. */
export type Operands =
  | { readonly kind: 'none' }
  | { readonly kind: 'module'; readonly values: readonly string[] }
  | { readonly kind: 'files'; readonly placeholder: string; readonly max: number }
  /** Another command line, after `--`. */
  | { readonly kind: 'command'; readonly usage: string };

export type FlagGroup = { readonly title: string; readonly flags: readonly string[] };

export type Program<T extends FlagTable = FlagTable> = {
  /** The program, or the program and a subcommand. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly operands: Operands;
  readonly flags: T;
  /** Flags in the order of `--help`; each flag is in one group. */
  readonly groups: readonly FlagGroup[];
  /**
   * True for the programs of TLT 2.0: `--help` marks flags that TLT does not have, and unambiguous prefixes of TLT's flags are
   * accepted, like in Python's argparse.
   */
  readonly isFromTlt: boolean;
  /** Paragraphs after the flags. */
  readonly details: readonly string[];
  /** Shell commands and comments. */
  readonly examples: readonly string[];
};

/** Infers the type of the flags, and checks at compile time that groups list existing flags. */
export const program = <const T extends FlagTable>(
  made: Omit<Program<T>, 'groups'> & {
    readonly groups: readonly { readonly title: string; readonly flags: readonly (keyof T & string)[] }[];
  },
): Program<T> => made;

/** The usage line: `tlt-model inspect FILE... [flags]`. */
export const usageLine = ({ name, operands }: Pick<Program, 'name' | 'operands'>): string =>
  operands.kind === 'command'
    ? `${name} [flags] -- ${operands.usage}`
    : [name, ...operandWords(operands), '[flags]'].join(' ');

const operandWords = (operands: Exclude<Operands, { readonly kind: 'command' }>): readonly string[] => {
  if (operands.kind === 'none') return [];
  if (operands.kind === 'module') return [`{${operands.values.join(', ')}}`];
  return [`${operands.placeholder}${operands.max === 1 ? '' : '...'}`];
};
