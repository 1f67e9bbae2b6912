/** Seeded random numbers: splitmix32 (G. Steele, D. Lea, C. Flood, 2014), good enough for sampling. */

/** Returns the next number, uniform in [0, 1). */
export type Random = () => number;

/** A generator of numbers in [0, 1) that depends only on the seed. */
export const seededRandom = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
};

/** A random permutation (Fisher-Yates); its first n items are a sample without replacement. */
export const shuffle = <T>(items: readonly T[], random: Random): T[] => {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const pick = Math.floor(random() * (last + 1));
    [order[last], order[pick]] = [order[pick]!, order[last]!];
  }
  return order;
};
