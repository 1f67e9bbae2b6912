/** Accepts unambiguous flag prefixes, like Python's argparse, which TLT 2.0 uses. */
import { type FlagRow, type FlagTable, namesOf } from '../../ground/contract/flag-table.ts';

/**
 * Replaces every unambiguous prefix of a TLT flag by the flag: `--data int8` becomes `--data_type int8`. Flags that TLT does not
 * have cannot be abbreviated, so a new flag never changes the meaning of a command line.
 */
export const expandPrefixes = (table: FlagTable, argv: readonly string[]): readonly string[] => {
  const end = argv.indexOf('--');
  const words = end < 0 ? argv : argv.slice(0, end);
  return [...words.map((word) => expandPrefix(table, word)), ...argv.slice(words.length)];
};

const expandPrefix = (table: FlagTable, word: string): string => {
  const [prefix, ...value] = word.split('=');
  if (!/^--./.test(prefix!) || longNames(Object.entries(table)).includes(prefix!)) return word;
  const matching = findFlagsByPrefix(table, prefix!);
  return matching.length === 1 ? [matching[0], ...value].join('=') : word;
};

/** Lists TLT's flags that have a name with this prefix. */
export const findFlagsByPrefix = (table: FlagTable, prefix: string): readonly string[] =>
  Object.entries(table)
    .filter((entry) => !entry[1].added && longNames([entry]).some((name) => name.startsWith(prefix)))
    .map(([name]) => `--${name}`);

const longNames = (entries: readonly (readonly [string, FlagRow])[]): readonly string[] =>
  entries
    .flatMap(namesOf)
    .filter((name) => name.length > 1)
    .map((name) => `--${name}`);
