/** Equality of values as JSON, without making the JSON: caches and statuses are compared at every event. */

type Members = Readonly<Record<string, unknown>>;

/**
 * Whether two values have the same canonical JSON: the order of members does not matter, and an undefined member is absent.
 * @param except names of members that are left out at every depth
 */
export const isSameJson = (a: unknown, b: unknown, except: readonly string[] = []): boolean => {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, i) => isSameJson(item, b[i], except))
    );
  return matches(a as Members, b as Members, except) && lacksNone(a as Members, b as Members, except);
};

/** Whether `b` has every member of `a`, with the same value. */
const matches = (a: Members, b: Members, except: readonly string[]): boolean => {
  for (const name of Object.keys(a))
    if (!except.includes(name) && !isSameJson(a[name], b[name], except)) return false;
  return true;
};

/** Whether `a` has every member of `b`, with whatever value. */
const lacksNone = (a: Members, b: Members, except: readonly string[]): boolean => {
  for (const name of Object.keys(b))
    if (!except.includes(name) && b[name] !== undefined && a[name] === undefined) return false;
  return true;
};
