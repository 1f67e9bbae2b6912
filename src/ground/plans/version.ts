/** TensorRT versions and compute capabilities as numbers: 10.13.3.9 is [10, 13, 3, 9]. */

/** Reads a version of two to four numbers; undefined for any other text. */
export const parseVersion = (text: string): readonly number[] | undefined =>
  /^\d{1,3}(\.\d{1,4}){1,3}$/.test(text) ? text.split('.').map(Number) : undefined;

/** Whether version `a` is older than `b`; numbers that are not given count as 0. */
export const isOlder = (a: string, b: string): boolean => {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
};

/** Whether a version is `from` or newer, and older than `below`. */
export const isInRange = (
  version: string,
  { from, below }: { readonly from: string; readonly below: string },
): boolean => !isOlder(version, from) && isOlder(version, below);
