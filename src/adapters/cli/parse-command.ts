/** Parses `--codec_command` into the words of a command. No shell is involved: nothing is expanded or split at spaces. */
import { UserError } from '../../ground/base/errors.ts';

/**
 * Parses a JSON array of words if the text starts with `[`; any other text is the name or path of one program, which may
 * contain spaces.
 * @throws UserError Usage
 */
export const parseCommand = (text: string): readonly string[] => {
  const words = text.trimStart().startsWith('[') ? parseWordArray(text) : [text];
  if (words.length > 0 && words.every(isWord) && words[0] !== '') return words;
  throw malformedCommand;
};

const isWord = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');

const parseWordArray = (text: string): readonly unknown[] => {
  try {
    return JSON.parse(text) as readonly unknown[];
  } catch {
    throw malformedCommand;
  }
};

const malformedCommand = new UserError(
  'Usage',
  'Reading the command line: --codec_command is neither the path of a program nor a JSON array of words. Use /path/to/codec, or \'["python3", "codec.py"]\' including the quotes.',
);
