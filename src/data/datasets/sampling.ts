/** The order in which images are drawn: each once, at random, from every source by its weight; a seed repeats it. */
import { type Random, shuffled } from '../../ground/base/rng.ts';
import type { ImageSource } from './source.ts';

export type Draw = { readonly source: ImageSource; readonly index: number };

/** Ends when every image was drawn. Batches do not enter: the order is the same for any batch size. */
export function* drawImages(sources: readonly ImageSource[], random: Random): Generator<Draw> {
  let open = sources.map((source) => ({ source, order: shuffled(indexes(source.count), random), next: 0 }));
  while (true) {
    open = open.filter(({ order, next }) => next < order.length);
    if (open.length === 0) return;
    const from = pickSource(open, random);
    yield { source: from.source, index: from.order[from.next++]! };
  }
}

const indexes = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** One of a list that is not empty, by weight; any of them if all weights are 0. */
const pickSource = <T extends { readonly source: ImageSource }>(open: readonly T[], random: Random): T => {
  const total = open.reduce((sum, { source }) => sum + source.weight, 0);
  let left = random() * total;
  for (const one of open) {
    left -= one.source.weight;
    if (left < 0) return one;
  }
  return open[0]!;
};
