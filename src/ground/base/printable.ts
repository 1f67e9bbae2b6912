/**
 * Escapes text from files for terminals and logs: the name of a tensor, file or layer can contain sequences that move the
 * cursor, change the title or the clipboard, or forge a log line.
 */

/** Control characters, line and paragraph separators, bidirectional overrides and invisible characters. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

/** Text for one line: unprintable characters become `\x1b` or `\u202e`. */
export const printable = (text: string): string => text.replace(unprintable, escapeCharacter);

/** Text of several lines: lines after the first are indented, so that none looks like a separate log line. */
export const printableLines = (text: string): string =>
  text
    .split('\n')
    .map((line, number) => (number === 0 || line.startsWith('  ') ? '' : '  ') + printable(line))
    .join('\n');

/** JSON on one line; unprintable characters become JSON escapes. */
export const printableJson = (value: unknown): string =>
  JSON.stringify(value).replace(unprintable, (character) => `\\u${hexOf(character, 4)}`);

const escapeCharacter = (character: string): string =>
  character.charCodeAt(0) < 0x100 ? `\\x${hexOf(character, 2)}` : `\\u${hexOf(character, 4)}`;

const hexOf = (character: string, digits: number): string =>
  character.charCodeAt(0).toString(16).padStart(digits, '0');
