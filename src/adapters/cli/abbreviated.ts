/** Beginnings of flags in place of flags, as Python's argparse, with which TLT 2.0 reads its command lines, takes them. */
import { type FlagRow, type FlagTable, namesOf } from '../../ground/contract/flag-table.ts';

/**
 * The words with every beginning that fits one of TLT's flags alone spelled out: `--data int8` is `--data_type int8`.
 * Flags that are added to TLT's take no part, so that another addition never changes what a command line means.
 */
export const spelledOut = (table: FlagTable, argv: readonly string[]): readonly string[] => {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  return [...words.map((word) => spelledOutWord(table, word)), ...argv.slice(words.length)];
};

const spelledOutWord = (table: FlagTable, word: string): string => {
  const [beginning, ...value] = word.split('=');
  if (!/^--./.test(beginning!) || longNames(Object.entries(table)).includes(beginning!)) return word;
  const fitting = flagsThatBegin(table, beginning!);
  return fitting.length === 1 ? [fitting[0], ...value].join('=') : word;
};

/** TLT's flags, each by its first name, of which some name begins so. */
export const flagsThatBegin = (table: FlagTable, beginning: string): readonly string[] =>
  Object.entries(table)
    .filter((entry) => !entry[1].added && longNames([entry]).some((name) => name.startsWith(beginning)))
    .map(([name]) => `--${name}`);

const longNames = (entries: readonly (readonly [string, FlagRow])[]): readonly string[] =>
  entries
    .flatMap(namesOf)
    .filter((name) => name.length > 1)
    .map((name) => `--${name}`);
