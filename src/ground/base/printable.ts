/**
 * Words from files, as a terminal and a log may show them: a tensor, file or layer name can hold sequences that move the
 * cursor, change the title or the clipboard, or end a line and begin another one that looks like ours.
 */

/** Controls, line and paragraph separators, and what reverses the direction of text or cannot be seen. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** On one line: each unprintable character is shown by its number, for example `\x1b` or `\u202e`. */
export const printable = (text: string): string => text.replace(unprintable, escapeCharacter);

/** Of several lines, those after the first begin with two spaces, so that none passes for a line of its own. */
export const printableLines = (text: string): string =>
  text
    .split('\n')
    .map((line, number) => (number === 0 || line.startsWith('  ') ? '' : '  ') + printable(line))
    .join('\n');

/** JSON on one line, in which such characters are escaped as JSON has it. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(unprintable, (character) => `\\u${hexOf(character, 4)}`);

const escapeCharacter = (character: string): string =>
  character.charCodeAt(0) < 0x100 ? `\\x${hexOf(character, 2)}` : `\\u${hexOf(character, 4)}`;

const hexOf = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).padStart(digits, '0');
