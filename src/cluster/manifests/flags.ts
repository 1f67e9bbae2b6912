/** `docs/reference/tlt-*.md`: every flag of the tools, from what the parser and `--help` read. */

import type { FlagRow, FlagTable } from '../../ground/contract/flag-table.ts';
import { exportFlags, tensorfileFlags } from '../../ground/contract/flags.ts';
import { modelHelps } from '../../ground/contract/model-help.ts';
import { exportTool, type Tool, tensorfileTool } from '../../ground/contract/tools.ts';
import { markdownFile, markdownTable, type PublishedFile } from './file.ts';

export const flagFiles = (): readonly PublishedFile[] => [
  toolPage(exportTool, exportFlags),
  toolPage(tensorfileTool, tensorfileFlags),
  modelPage(),
];

/** `tlt-model` has no counterpart in TLT, and its help is written by hand. */
const modelPage = (): PublishedFile =>
  markdownFile(
    'docs/reference/tlt-model.md',
    'tlt-model',
    Object.values(modelHelps).map((help) => codeBlock('text', help)),
  );

const codeBlock = (language: string, text: string): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

const toolPage = ({ name, summary, modules, examples }: Tool, table: FlagTable): PublishedFile =>
  markdownFile(`docs/reference/${name}.md`, name, [
    summary,
    `\`${name} {${modules.join(', ')}} [flags]\``,
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
    'Examples:',
    codeBlock('sh', examples.join('\n')),
  ]);

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
