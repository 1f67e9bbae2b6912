/** What an external codec wrote to standard error, as it may be shown: few lines, no key, nothing that moves a cursor. */

/** Lines shown, the last ones. */
const linesLimit = 20;

export type Diagnostics = {
  readonly bytes: Uint8Array;
  /** Whether something came before them. */
  readonly cut: boolean;
};

/** The key is looked for as the program got it, and in the forms that programs print bytes in. */
export const diagnosticLines = ({ bytes, cut }: Diagnostics, key: string): readonly string[] => {
  const text = new TextDecoder().decode(bytes);
  // A line without its beginning could hold half a key.
  const whole = cut ? text.slice(text.indexOf('\n') + 1 || text.length) : text;
  return formsOf(key)
    .reduce((said, form) => said.replaceAll(form, '[key]'), whole)
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
