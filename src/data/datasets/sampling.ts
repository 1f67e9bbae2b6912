/** Sampling without replacement over weighted sources; reproducible by seed. */
import { type Random, shuffle } from '../../ground/base/rng.ts';
import type { ImageSource } from './source.ts';

/** One sampled image: an index in its source. */
export type Draw = { readonly source: ImageSource; readonly index: number };

/** Draws every image once. The order does not depend on the batch size. */
export function* drawImages(sources: readonly ImageSource[], random: Random): Generator<Draw> {
  let open = sources.map((source) => ({ source, order: shuffle(indexes(source.count), random), next: 0 }));
  while (true) {
    open = open.filter(({ order, next }) => next < order.length);
    if (open.length === 0) return;
    const from = pickSource(open, random);
    yield { source: from.source, index: from.order[from.next++]! };
  }
}

const indexes = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** Picks a source at random by weight; the first if all weights are 0. `open` must not be empty. */
const pickSource = <T extends { readonly source: ImageSource }>(open: readonly T[], random: Random): T => {
  const total = open.reduce((sum, { source }) => sum + source.weight, 0);
  let left = random() * total;
  for (const one of open) {
    left -= one.source.weight;
    if (left < 0) return one;
  }
  return open[0]!;
};
