/**
 * The standard error of an external codec in a form that is safe to log: few lines, without the key and without control
 * characters.
 */

/** Only this many last lines are logged. */
const linesLimit = 20;

/** The end of a program's standard error. */
export type Diagnostics = {
  readonly bytes: Uint8Array;
  /** Whether earlier bytes were dropped. */
  readonly cut: boolean;
};

/** The last lines, with the key masked in plain, base64 and hexadecimal form. */
export const diagnosticLines = ({ bytes, cut }: Diagnostics, key: string): readonly string[] => {
  const text = new TextDecoder().decode(bytes);
  // A truncated first line could contain part of the key, which the masking would not find.
  const whole = cut ? text.slice(text.indexOf('\n') + 1 || text.length) : text;
  return formsOf(key)
    .reduce((shown, form) => shown.replaceAll(form, '[key]'), whole)
    .split('\n')
    .map((line) => line.replaceAll(/\p{Cc}/gu, ' ').trim())
    .filter((line) => line !== '')
    .slice(-linesLimit);
};

const formsOf = (key: string): readonly string[] => [
  key,
  Buffer.from(key).toString('base64'),
  Buffer.from(key).toString('hex'),
];
