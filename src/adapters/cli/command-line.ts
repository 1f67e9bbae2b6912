/** A command line → typed values, by a flag table; the errors and the help teach. */
import { parseArgs } from 'node:util';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { nearest } from '../../ground/base/nearest.ts';
import { type FlagRow, type FlagTable, namesOf, type ValuesOf } from '../../ground/contract/flag-table.ts';
import type { Tool } from '../../ground/contract/tools.ts';
import { flagsThatBegin, spelledOut } from './abbreviated.ts';

export type CommandLine<T extends FlagTable> =
  | { readonly help: string }
  | { readonly help: undefined; readonly module: string; readonly values: ValuesOf<T> };

/**
 * The module (first word) and the flags. Flags may stand as `--flag value`, `--flag=value`, by their one-letter alias, or
 * by a beginning that only one of TLT's flags has.
 * @throws UserError Usage naming the flag, and the nearest one for a typo
 */
export const parseCommandLine = <const T extends FlagTable>(
  tool: Tool,
  table: T,
  argv: readonly string[],
): CommandLine<T> => {
  const { values, positionals } = parsed(tool, table, argv);
  if (values.help === true) return { help: helpText(tool, table) };
  const [module, ...more] = positionals;
  if (module === undefined || !tool.modules.includes(module))
    throw usage(
      tool,
      module === undefined ? `name a module: ${tool.modules.join(', ')}` : unknownModule(tool, module),
    );
  if (more.length > 0) throw usage(tool, `'${more[0]}' stands where a flag was expected`);
  const entries = Object.entries(table).flatMap(([name, row]) => {
    const value = givenValue(tool, { name, row, given: values[name] });
    return value === undefined ? [] : [[name, value] as const];
  });
  return { help: undefined, module, values: Object.fromEntries(entries) as ValuesOf<T> };
};

/** Of a flag that is given twice, by whichever of its names, the last value counts. */
const parsed = (tool: Tool, table: FlagTable, argv: readonly string[]) => {
  const flagOf = new Map(
    Object.entries(table).flatMap((entry) => namesOf(entry).map((name) => [name, entry[0]] as const)),
  );
  try {
    const { tokens, positionals } = parseArgs({
      args: [...spelledOut(table, argv)],
      options: optionsOf(table),
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
    const options = tokens.filter((token) => token.kind === 'option');
    const values: Readonly<Record<string, string | true | undefined>> = Object.fromEntries(
      options.map(({ name, value }) => [flagOf.get(name)!, value ?? true]),
    );
    return { values, positionals };
  } catch (thrown) {
    throw misread(tool, table, messageOf(thrown));
  }
};

const optionsOf = (table: FlagTable) =>
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

const misread = (tool: Tool, table: FlagTable, message: string): UserError => {
  const flag = /unknown option '(--?[^' ]+)/i.exec(message)?.[1];
  if (flag === undefined) return usage(tool, message);
  const several = flag.startsWith('--') ? flagsThatBegin(table, flag) : [];
  if (several.length > 0) return usage(tool, `${flag} may be ${several.join(', ')}`);
  const near = nearest(flag.replace(/^-+/, ''), Object.entries(table).flatMap(namesOf));
  return usage(tool, `there is no flag ${flag}.${near === undefined ? '' : ` Did you mean --${near}?`}`);
};

type Given = { readonly name: string; readonly row: FlagRow; readonly given: string | boolean | undefined };

const givenValue = (tool: Tool, { name, row, given }: Given): string | number | boolean | undefined => {
  if (row.type === 'switch') return given === true;
  if (typeof given !== 'string') {
    if (row.required) throw usage(tool, `--${name} is missing: ${row.help}`);
    return row.default;
  }
  if (row.type === 'choice' && !row.values.includes(given))
    throw usage(tool, `--${name} is '${given}', and can be ${row.values.join(', ')}`);
  if (row.type === 'share') return shareOf(tool, name, given);
  if (row.type !== 'integer') return given;
  const number = Number(given);
  if (!Number.isSafeInteger(number) || number < row.minimum || number > row.maximum)
    throw usage(
      tool,
      `--${name} is '${given}', and must be a whole number from ${row.minimum} to ${row.maximum}`,
    );
  return number;
};

const shareOf = (tool: Tool, name: string, given: string): number => {
  const share = given.trim() === '' ? Number.NaN : Number(given);
  if (share >= 0 && share <= 1) return share;
  throw usage(tool, `--${name} is '${given}', and must be a number from 0 to 1`);
};

const usage = ({ name }: Tool, found: string): UserError =>
  new UserError('Usage', `Reading the command line: ${found.replace(/\.$/, '')}. See ${name} --help.`);

const unknownModule = ({ modules }: Tool, module: string): string => {
  const near = nearest(module, modules);
  return `'${module}' is no module (${modules.join(', ')})${near === undefined ? '' : `; did you mean ${near}?`}`;
};

const helpText = ({ name, summary, modules, examples }: Tool, table: FlagTable): string => {
  const rows = Object.entries(table).map(
    ([flag, row]) => `  ${flagText(flag, row)}\n${wrapped(sentence(row))}`,
  );
  return [
    `usage: ${name} {${modules.join(', ')}} [flags]\n`,
    `${summary}\n`,
    'flags (those marked + are additions to TLT 2.0):',
    rows.join('\n'),
    '\nexamples:',
    examples.map((example) => `  ${example}`).join('\n'),
    '',
  ].join('\n');
};

const flagText = (flag: string, row: FlagRow): string => {
  const value =
    row.type === 'switch' ? '' : row.type === 'choice' ? ` {${row.values.join(',')}}` : ` ${row.placeholder}`;
  const others = (row.aliases ?? []).map((alias) => (alias.length === 1 ? `-${alias}, ` : `--${alias}, `));
  return `${row.added ? '+ ' : ''}${others.join('')}--${flag}${value}`;
};

const sentence = (row: FlagRow): string => {
  const fallback = row.type !== 'switch' && row.default !== undefined ? ` Default: ${row.default}.` : '';
  return `${row.help}${row.required ? ' Required.' : ''}${fallback}`;
};

/** Indented lines of at most 90 characters. */
const wrapped = (text: string): string => {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length > 82) lines.push('');
    lines[lines.length - 1] += `${lines.at(-1) === '' ? '' : ' '}${word}`;
  }
  return lines.map((line) => `        ${line}`).join('\n');
};
