/** Splits blocks of shell commands into simple commands, as far as the pages of this repository use the shell. */

/** Words of one command, without quotes, redirections and assignments in front of it. */
export type SimpleCommand = readonly string[];

type Token = { readonly word: string } | { readonly end: true } | { readonly redirection: true };

/** One token, or a gap, at the start of a text. Substitutions without spaces and parentheses inside belong to a word. */
const patterns: readonly (readonly [RegExp, (found: string) => Token | undefined])[] = [
  [/^(?:[ \t]+|\\\n|#[^\n]*)/, () => undefined],
  [/^(?:&&|\|\||[;|&\n]|<\(|\))/, () => ({ end: true })],
  [/^\d?(?:>>|>&\d|[<>])/, (found) => (/&\d$/.test(found) ? undefined : { redirection: true })],
  [
    /^(?:'[^']*'|"(?:\$\([^)]*\)|\\[\s\S]|[^"\\])*"|\$\([^)]*\)|\\[^\n]|[^\s'"\\;|&<>()])+/,
    (found) => ({ word: withoutQuotes(found) }),
  ],
];

const withoutQuotes = (word: string): string =>
  word.replaceAll(
    /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])/g,
    (_, single, double, escaped) => single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped,
  );

const tokensOf = (block: string): readonly Token[] => {
  const tokens: Token[] = [];
  for (let rest = block; rest !== ''; ) {
    const [pattern, toToken] = patterns.find(([each]) => each.test(rest)) ?? [];
    if (pattern === undefined || toToken === undefined)
      throw new Error(`the pages do not use this syntax of the shell: ${rest.slice(0, 60)}`);
    const [found] = pattern.exec(rest)!;
    const token = toToken(found);
    if (token !== undefined) tokens.push(token);
    rest = rest.slice(found.length);
  }
  return tokens;
};

/**
 * The simple commands of a block, in order.
 * @throws Error at syntax that no page needs, such as here-documents
 */
export const splitCommands = (block: string): readonly SimpleCommand[] => {
  const commands: string[][] = [[]];
  let isTarget = false;
  for (const token of tokensOf(block)) {
    if ('end' in token) commands.push([]);
    else if ('redirection' in token) isTarget = true;
    else if (isTarget) isTarget = false;
    else if (commands.at(-1)!.length > 0 || !/^\w+=/.test(token.word)) commands.at(-1)!.push(token.word);
  }
  return commands.filter((words) => words.length > 0);
};
