/** Formats the `--help` of programs and subcommands. */
import type { FlagRow } from '../../ground/contract/flag-table.ts';
import { type Program, usageLine } from '../../ground/contract/program.ts';

/** Maximum columns of a line. */
const lineWidth = 90;

/** Formats `--help`: usage, summary, flags by group, details and examples. */
export const formatHelp = (program: Program): string =>
  [
    `usage: ${usageLine(program)}\n`,
    wrap(program.summary, 0),
    ...(program.isFromTlt ? ['\nFlags marked + are additions to TLT 2.0.'] : []),
    ...program.groups.map(
      ({ title, flags }) => `\n${title}:\n${flags.map((flag) => formatFlag(program, flag)).join('\n')}`,
    ),
    ...program.details.map((paragraph) => `\n${wrap(paragraph, 0)}`),
    '\nExamples:',
    program.examples.map((example) => `  ${example}`).join('\n'),
    '',
  ].join('\n');

/** What the help of a program with subcommands says about all of them. */
export type SubcommandsHeading = {
  readonly name: string;
  readonly summary: string;
  /** One paragraph after the list of commands. */
  readonly note: string;
};

/** Formats the help of a program with subcommands, with the first example of each that is complete in one line. */
export const formatSubcommandsHelp = (
  { name, summary, note }: SubcommandsHeading,
  programs: readonly Program[],
): string =>
  [
    `usage: ${name} COMMAND [flags]\n`,
    `${summary}\n`,
    'Commands:',
    ...programs.map((program) => `  ${usageLine(program)}\n${wrap(program.summary, 8)}`),
    `\n${wrap(`Each command has its own --help. ${note}`, 0)}`,
    '\nExamples:',
    ...programs
      .flatMap(({ examples }) =>
        examples.filter((each) => each.startsWith(`${name} `) && !each.endsWith('\\')).slice(0, 1),
      )
      .map((each) => `  ${each}`),
    '',
  ].join('\n');

const formatFlag = ({ flags, isFromTlt }: Program, name: string): string => {
  const row = flags[name]!;
  return `  ${isFromTlt && row.added ? '+ ' : ''}${formatFlagNames(name, row)}\n${wrap(describeFlag(row), 8)}`;
};

const formatFlagNames = (flag: string, row: FlagRow): string => {
  const value =
    row.type === 'switch' ? '' : row.type === 'choice' ? ` {${row.values.join(',')}}` : ` ${row.placeholder}`;
  const others = (row.aliases ?? []).map((alias) => (alias.length === 1 ? `-${alias}, ` : `--${alias}, `));
  return `${others.join('')}--${flag}${value}`;
};

const describeFlag = (row: FlagRow): string => {
  const fallback = row.type !== 'switch' && row.default !== undefined ? ` Default: ${row.default}.` : '';
  return `${row.help}${row.required ? ' Required.' : ''}${fallback}`;
};

const wrap = (text: string, indent: number): string => {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (indent + lines.at(-1)!.length + word.length > lineWidth) lines.push('');
    lines[lines.length - 1] += `${lines.at(-1) === '' ? '' : ' '}${word}`;
  }
  return lines.map((line) => `${' '.repeat(indent)}${line}`).join('\n');
};
