/** `docs/reference/tlt-*.md`: every flag of the tools, from the table that the parser reads. */

import { architectureNames } from '../contract/architectures.ts';
import type { FlagRow, FlagTable } from '../contract/flag-table.ts';
import { exportFlags, tensorfileFlags, tensorfileModules } from '../contract/flags.ts';
import { markdownFile, markdownTable, type PublishedFile } from './file.ts';

export const flagFiles = (): readonly PublishedFile[] => [
  toolPage('tlt-export', architectureNames, exportFlags),
  toolPage('tlt-int8-tensorfile', tensorfileModules, tensorfileFlags),
];

const toolPage = (tool: string, modules: readonly string[], table: FlagTable): PublishedFile =>
  markdownFile(`docs/reference/${tool}.md`, tool, [
    `\`${tool} {${modules.join(', ')}} [flags]\``,
    'Names, aliases and defaults are those of TLT 2.0; a + marks what this project adds.',
    markdownTable(
      ['', 'Flag', 'Value', 'Default', 'Meaning'],
      Object.entries(table).map(([flag, row]) => [
        row.added ? '+' : '',
        [...(row.aliases ?? []).map(dashed), `--${flag}`].map((name) => `\`${name}\``).join(', '),
        valueText(row),
        defaultText(row),
        `${row.help}${row.required ? ' Required.' : ''}`,
      ]),
    ),
  ]);

const dashed = (alias: string): string => (alias.length === 1 ? `-${alias}` : `--${alias}`);

const valueText = (row: FlagRow): string => {
  if (row.type === 'switch') return '';
  return row.type === 'choice'
    ? row.values.map((value) => `\`${value}\``).join(' ')
    : `\`${row.placeholder}\``;
};

const defaultText = (row: FlagRow): string =>
  row.type === 'switch' || row.default === undefined ? '' : `\`${row.default}\``;
