/** A command-line program as data: parser, `--help` and reference page are derived from it. */
import type { FlagTable } from './flag-table.ts';

/** What a command line has besides flags. */
export type Operands =
  | { readonly kind: 'none' }
  | { readonly kind: 'module'; readonly values: readonly string[] }
  | { readonly kind: 'files'; readonly placeholder: string; readonly max: number };

export type FlagGroup = { readonly title: string; readonly flags: readonly string[] };

export type Program<T extends FlagTable = FlagTable> = {
  /** As typed: one word, or two for a subcommand. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  readonly operands: Operands;
  readonly flags: T;
  /** The order of the flags in `--help`; each flag is in one group. */
  readonly groups: readonly FlagGroup[];
  /**
   * True for the programs of TLT 2.0: flags that are not TLT's are marked, and unambiguous prefixes of TLT's flags are
   * accepted, as Python's argparse does.
   */
  readonly isFromTlt: boolean;
  /** Paragraphs after the flags. */
  readonly details: readonly string[];
  /** Lines of a shell. */
  readonly examples: readonly string[];
};

/** Fixes the type of the flags, and checks that the groups name flags of the table. */
export const program = <const T extends FlagTable>(
  made: Omit<Program<T>, 'groups'> & {
    readonly groups: readonly { readonly title: string; readonly flags: readonly (keyof T & string)[] }[];
  },
): Program<T> => made;

/** The usage line, for example `tlt-model inspect FILE... [flags]`. */
export const usageLine = ({ name, operands }: Pick<Program, 'name' | 'operands'>): string =>
  [name, ...operandWords(operands), '[flags]'].join(' ');

const operandWords = (operands: Operands): readonly string[] => {
  if (operands.kind === 'none') return [];
  if (operands.kind === 'module') return [`{${operands.values.join(', ')}}`];
  return [`${operands.placeholder}${operands.max === 1 ? '' : '...'}`];
};
