/** Licence expressions of SPDX, as far as package indexes use them: identifiers, AND, OR, WITH and parentheses. */

/** Evaluates an expression: every side of AND must be allowed, one side of OR. Words that are no expression are not allowed. */
export const isAllowed = (expression: string, allows: (identifier: string) => boolean): boolean => {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const next = (token: string): boolean => {
    if (tokens[at] !== token) return false;
    at++;
    return true;
  };
  const single = (): boolean => {
    if (next('(')) {
      const inner = either();
      return next(')') && inner;
    }
    const identifier = tokens[at++] ?? '';
    return next('WITH') ? allows(`${identifier} WITH ${tokens[at++]}`) : allows(identifier);
  };
  const both = (): boolean => {
    let result = single();
    while (next('AND')) result = single() && result;
    return result;
  };
  const either = (): boolean => {
    let result = both();
    while (next('OR')) result = both() || result;
    return result;
  };
  return either() && at === tokens.length;
};
