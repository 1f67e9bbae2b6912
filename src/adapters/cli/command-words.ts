/** `--codec_command` → the words of a command. No shell reads it, so nothing in it is expanded or split by spaces. */
import { UserError } from '../../ground/base/errors.ts';

/**
 * A text that begins with `[` is a JSON array of words; any other is the path or name of one program, spaces included.
 * @throws UserError Usage
 */
export const commandWords = (text: string): readonly string[] => {
  const words = text.trimStart().startsWith('[') ? parsed(text) : [text];
  if (words.length > 0 && words.every(isWord) && words[0] !== '') return words;
  throw unreadable;
};

const isWord = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');

const parsed = (text: string): readonly unknown[] => {
  try {
    return JSON.parse(text) as readonly unknown[];
  } catch {
    throw unreadable;
  }
};

const unreadable = new UserError(
  'Usage',
  'Reading the command line: --codec_command is neither the path of a program nor a JSON array of words. Write \'["python3", "codec.py"]\', quotes included, or /path/to/codec.',
);
