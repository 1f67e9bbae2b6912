/** The reference pages of the programs, from the tables that their parsers and `--help` use. */
import { converterProgram } from '../../ground/contract/converter-program.ts';
import type { FlagRow } from '../../ground/contract/flag-table.ts';
import { modelPrograms } from '../../ground/contract/model-programs.ts';
import { operatorProgram } from '../../ground/contract/operator-program.ts';
import { pluginPrograms } from '../../ground/contract/plugin-programs.ts';
import { type Program, usageLine } from '../../ground/contract/program.ts';
import { exportProgram, tensorfileProgram } from '../../ground/contract/programs.ts';
import { markdownFile, markdownTable, type PublishedFile } from './file.ts';

/** One page per program in `docs/reference/`. */
export const flagFiles = (): readonly PublishedFile[] => [
  ...[exportProgram, tensorfileProgram, converterProgram, operatorProgram].map((program) =>
    markdownFile(`docs/reference/${program.name}.md`, program.name, sectionsOf(program)),
  ),
  commandsFile('tlt-model', 'tlt-model', Object.values<Program>(modelPrograms)),
  commandsFile('kubectl-modelexport', 'kubectl modelexport', Object.values<Program>(pluginPrograms)),
];

/** The page of a program with subcommands. */
const commandsFile = (file: string, title: string, programs: readonly Program[]): PublishedFile =>
  markdownFile(
    `docs/reference/${file}.md`,
    title,
    programs.flatMap((program) => [`## ${program.name}`, ...sectionsOf(program)]),
  );

const codeBlock = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

const sectionsOf = (program: Program): readonly string[] => [
  program.summary,
  `\`${usageLine(program)}\``,
  ...(program.isFromTlt
    ? ['Names, aliases and defaults are those of TLT 2.0; flags marked + are additions.']
    : []),
  ...program.groups.flatMap(({ title, flags }) => [
    `**${title}**`,
    markdownTable(
      ['', 'Flag', 'Value', 'Default', 'Meaning'],
      flags.map((flag) => flagRow(program, flag)),
    ),
  ]),
  ...program.details,
  'Examples:',
  codeBlock('sh', program.examples.join('\n')),
];

const flagRow = ({ flags, isFromTlt }: Program, flag: string): readonly string[] => {
  const row = flags[flag]!;
  return [
    isFromTlt && row.added ? '+' : '',
    [...(row.aliases ?? []).map(dashed), `--${flag}`].map((name) => `\`${name}\``).join(', '),
    valueText(row),
    defaultText(row),
    `${row.help}${row.required ? ' Required.' : ''}`,
  ];
};

const dashed = (alias: string): string => (alias.length === 1 ? `-${alias}` : `--${alias}`);

const valueText = (row: FlagRow): string => {
  if (row.type === 'switch') return '';
  if (row.type === 'integer') return `\`${row.placeholder}\`, ${row.minimum} to ${row.maximum}`;
  return row.type === 'choice'
    ? row.values.map((value) => `\`${value}\``).join(' ')
    : `\`${row.placeholder}\``;
};

const defaultText = (row: FlagRow): string =>
  row.type === 'switch' || row.default === undefined ? '' : `\`${row.default}\``;
