/** Colours of a terminal, as a function that the caller chooses: texts are composed without knowing whether there are colours. */

const codes = { good: 32, bad: 31, busy: 36, wait: 33, faint: 2, strong: 1 } as const;

/** What a part of a text means. */
export type Style = keyof typeof codes;

/** Marks a part of a text. */
export type Paint = (style: Style, text: string) => string;

/** No colours. */
export const plain: Paint = (_style, text) => text;

/** SGR sequences of ECMA-48. */
export const colour: Paint = (style, text) => `\u001b[${codes[style]}m${text}\u001b[0m`;
