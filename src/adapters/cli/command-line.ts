/** Parses command lines according to a program's table of flags. */
import { parseArgs } from 'node:util';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { suggestWord } from '../../ground/base/nearest.ts';
import { type FlagRow, type FlagTable, namesOf, type ValuesOf } from '../../ground/contract/flag-table.ts';
import type { Program } from '../../ground/contract/program.ts';
import { expandPrefixes, findFlagsByPrefix } from './flag-prefixes.ts';
import { formatHelp } from './help-text.ts';

/** A parsed command line, or the text of `--help`. */
export type CommandLine<T extends FlagTable> =
  | { readonly help: string }
  | { readonly help: undefined; readonly operands: readonly string[]; readonly values: ValuesOf<T> };

/**
 * Parses operands (a module, or files) and flags, in any order. A flag is written as `--flag value`, `--flag=value`, a one-letter
 * alias, or, for TLT's programs, an unambiguous prefix. If a flag is repeated, the last value counts, except for lists.
 * @throws UserError Usage naming the flag, with a suggestion for a misspelt flag
 */
export const parseCommandLine = <const T extends FlagTable>(
  program: Program<T>,
  argv: readonly string[],
): CommandLine<T> => {
  const { values, positionals } = parseWords(program, argv);
  if (values.help === true) return { help: formatHelp(program) };
  checkOperands(program, positionals);
  const entries = Object.entries<FlagRow>(program.flags).flatMap(([name, row]) => {
    const value = readValue(program, { name, row, given: values[name] });
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    help: undefined,
    operands: positionals,
    values: Object.fromEntries(entries) as ValuesOf<T>,
  };
};

/** Makes the error for an invalid command line. */
export const usageError = ({ name }: Pick<Program, 'name'>, found: string): UserError =>
  new UserError('Usage', `Reading the command line: ${found.replace(/\.$/, '')}. See ${name} --help.`);

/** A word after the flag, true for a flag without one, or all words of a list. */
type GivenValue = string | true | readonly string[];

const parseWords = (program: Program, argv: readonly string[]) => {
  const { flags, isFromTlt } = program;
  const flagOf = new Map(
    Object.entries(flags).flatMap((entry) => namesOf(entry).map((name) => [name, entry[0]] as const)),
  );
  try {
    const { tokens, positionals } = parseArgs({
      args: [...(isFromTlt ? expandPrefixes(flags, argv) : argv)],
      options: parserOptions(flags),
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
    const values: Record<string, GivenValue | undefined> = {};
    for (const token of tokens) {
      if (token.kind !== 'option') continue;
      const name = flagOf.get(token.name)!;
      const value = token.value ?? true;
      values[name] = flags[name]!.type === 'list' ? [values[name] ?? [], value].flat().map(String) : value;
    }
    return { values, positionals };
  } catch (thrown) {
    throw explainParseError(program, messageOf(thrown));
  }
};

const parserOptions = (table: FlagTable) =>
  Object.fromEntries(
    Object.entries(table).flatMap(([name, { type, aliases = [] }]) => {
      const option = { type: type === 'switch' ? 'boolean' : 'string' } as const;
      const [short] = aliases.filter((alias) => alias.length === 1);
      const long = aliases.filter((alias) => alias.length > 1);
      return [
        [name, short === undefined ? option : { ...option, short }] as const,
        ...long.map((alias) => [alias, option] as const),
      ];
    }),
  );

/** Rewords an error of Node's parser. */
const explainParseError = (program: Program, message: string): UserError => {
  const flag = /unknown option '(--?[^' ]+)/i.exec(message)?.[1];
  if (flag === undefined) return usageError(program, message);
  const several = program.isFromTlt && flag.startsWith('--') ? findFlagsByPrefix(program.flags, flag) : [];
  if (several.length > 0) return usageError(program, `${flag} is ambiguous: ${several.join(', ')}`);
  const near = suggestWord(flag.replace(/^-+/, ''), Object.entries(program.flags).flatMap(namesOf));
  return usageError(program, `unknown flag ${flag}.${near === undefined ? '' : ` Did you mean --${near}?`}`);
};

const checkOperands = (program: Program, words: readonly string[]): void => {
  const { operands } = program;
  if (operands.kind === 'module') checkModule(program, operands.values, words);
  else if (operands.kind === 'none' && words.length > 0)
    throw usageError(program, `unexpected argument '${words[0]}'`);
  else if (operands.kind === 'files' && (words.length === 0 || words.length > operands.max))
    throw usageError(
      program,
      `expected ${operands.max === 1 ? 'one' : 'at least one'} ${operands.placeholder}, got ${words.length}`,
    );
  else if (operands.kind === 'command' && words.length === 0)
    throw usageError(program, `expected -- and a command line: -- ${operands.usage}`);
};

const checkModule = (program: Program, modules: readonly string[], words: readonly string[]): void => {
  const [module, unexpected] = words;
  if (module === undefined) throw usageError(program, `name a module: ${modules.join(', ')}`);
  if (unexpected !== undefined)
    throw usageError(program, `unexpected argument '${unexpected}' after the module`);
  if (modules.includes(module)) return;
  const near = suggestWord(module, modules);
  throw usageError(
    program,
    `unknown module '${module}'${near === undefined ? '' : ` (did you mean ${near}?)`}: ${modules.join(', ')}`,
  );
};

type FlagInput = {
  readonly name: string;
  readonly row: FlagRow;
  readonly given: GivenValue | undefined;
};

const readValue = (
  program: Program,
  { name, row, given }: FlagInput,
): string | number | boolean | readonly string[] | undefined => {
  if (row.type === 'switch') return given === true;
  if (row.type === 'list') return given === undefined ? [] : (given as readonly string[]);
  if (typeof given !== 'string') {
    if (row.required) throw usageError(program, `--${name} is missing: ${row.help}`);
    return row.default;
  }
  if (row.type === 'choice' && !row.values.includes(given))
    throw usageError(program, `--${name} is '${given}', and must be one of ${row.values.join(', ')}`);
  if (row.type === 'share') return readShare(program, name, given);
  if (row.type !== 'integer') return given;
  const number = given.trim() === '' ? Number.NaN : Number(given);
  if (!Number.isSafeInteger(number) || number < row.minimum || number > row.maximum)
    throw usageError(
      program,
      `--${name} is '${given}', and must be a whole number from ${row.minimum} to ${row.maximum}`,
    );
  return number;
};

const readShare = (program: Program, name: string, given: string): number => {
  const share = given.trim() === '' ? Number.NaN : Number(given);
  if (share >= 0 && share <= 1) return share;
  throw usageError(program, `--${name} is '${given}', and must be a number from 0 to 1`);
};
