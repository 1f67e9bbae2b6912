/** The blocks of code in the pages of this repository. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** All pages, relative to the root of the repository. */
export const pages: readonly string[] = globSync(['*.md', '{docs,deploy,helm}/**/*.md'], {
  cwd: root,
}).sort();

export type Block = { readonly page: string; readonly language: string; readonly text: string };

export const blocksOf = (page: string): readonly Block[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent, language, text]) => ({
      page,
      language: language!,
      text: text!.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }),
  );

/** A command and what it prints, if the page shows that. */
export type Step = { readonly command: string; readonly output: string | undefined };

/**
 * The commands of a block: the whole block if its language is sh, and the lines after `$ ` of a transcript, each with the lines
 * up to the next command. Other blocks have none.
 */
export const stepsOf = ({ language, text }: Block): readonly Step[] => {
  if (language === 'sh') return [{ command: text, output: undefined }];
  if (!text.startsWith('$ ')) return [];
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command] = /^(?:[^\n]*\\\n)*[^\n]*\n/.exec(part)!;
      return { command, output: part.slice(command.length) };
    });
};

/**
 * Replaces what differs between two runs: digits, digests and times, the end of a pod's name, the node of the test cluster where
 * it ran, and the width of columns.
 */
const mask = (line: string): string =>
  line
    .replaceAll(/(-[0-9a-f]{10})-[a-z0-9]{5}\b/g, '$1')
    .replaceAll(/\bon (?:ampere|blackwell)-1\b/g, 'on NODE')
    .replaceAll(/\b(?:\d+[dhms])+\b/g, '0s')
    .replaceAll(/\b[0-9a-f]{8,64}\b/g, '0')
    .replaceAll(/\d+/g, '0')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** Whether a printed line is the shown one, in which … stands for any text. Both are masked. */
const isShown = (shown: string, printed: string): boolean => {
  const parts = shown.split('…').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(printed);
};

/** Lines of a page's output that the real output does not have, in this order. A line with … alone stands for any lines. */
export const findMissingLines = (shown: string, printed: string): readonly string[] => {
  const lines = printed.split('\n').map(mask);
  const missing: string[] = [];
  let from = 0;
  for (const line of shown.split('\n').filter((each) => !['', '…'].includes(each.trim()))) {
    const at = lines.findIndex((each, index) => index >= from && isShown(mask(line), each));
    if (at < 0) missing.push(line);
    else from = at + 1;
  }
  return missing;
};
