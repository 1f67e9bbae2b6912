/**
 * JSON as Python writes it, with the numbers `NaN`, `Infinity` and `-Infinity`, which standard JSON lacks. Keras writes
 * them for `ReLU(max_value=inf)` and for regularizers of a diverged training.
 */

/**
 * Parses JSON with Python's extensions.
 * @throws SyntaxError if Python would not accept it either
 */
export const parsePythonJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replace(stringOrNumber, standard), (_, value: unknown) =>
      value === notANumber ? Number.NaN : value,
    );
  }
};

/** Strings are matched as a whole, so that these words inside a string stay. */
const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|\bNaN\b|\bInfinity\b/gs;

/** Cannot occur in a configuration, because Python escapes the character. */
const notANumber = '\u0000NaN';

/** JavaScript parses 1e999 as Infinity. */
const standard = (found: string): string => {
  if (found === 'NaN') return JSON.stringify(notANumber);
  return found === 'Infinity' ? '1e999' : found;
};
