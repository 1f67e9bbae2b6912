/** Results that are kept as long as what they were computed from. */

/**
 * A pure function of one object that computes once per object. Use it only where objects are never changed, as those of
 * the caches and the graphs of models are: a changed object is another one.
 */
export const remember = <From extends object, Result>(
  compute: (from: From) => Result,
): ((from: From) => Result) => {
  const known = new WeakMap<From, { readonly result: Result }>();
  return (from) => {
    const before = known.get(from);
    if (before) return before.result;
    const result = compute(from);
    known.set(from, { result });
    return result;
  };
};
