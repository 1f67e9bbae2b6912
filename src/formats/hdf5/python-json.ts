/**
 * JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` are numbers, which the standard does not know. Keras writes
 * them for `ReLU(max_value=inf)` and for regularizers of a training that diverged.
 */

/** @throws SyntaxError for what is no JSON in Python either */
export const parsePythonJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(stringOrNumber, standard), (_, value: unknown) =>
      value === notANumber ? Number.NaN : value,
    );
  }
};

/** Strings are matched as a whole, so that the words inside of them stay. */
const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|\bNaN\b|\bInfinity\b/gs;

/** No text of a configuration: Python escapes the character. */
const notANumber = '\u0000NaN';

/** 1e999 is beyond every number, and JavaScript reads it as infinity. */
const standard = (found: string): string => {
  if (found === 'NaN') return JSON.stringify(notANumber);
  return found === 'Infinity' ? '1e999' : found;
};
