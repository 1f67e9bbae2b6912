/** One of several parts of a sample: parts are disjoint, and together they are the whole. */
import type { Batch } from './batches.ts';

export type SamplePart = {
  /** 1…of. */
  readonly part: number;
  readonly of: number;
};

export const wholeSample: SamplePart = { part: 1, of: 1 };

/** Whether what stands at this place of the sample, from 0, falls to the part: every of-th does. */
const isInPart = (place: number, { part, of }: SamplePart): boolean => place % of === part - 1;

/** The part's items, in their order; `together` items that follow each other go to the same part. */
export const selectPart = <T>(items: readonly T[], part: SamplePart, together = 1): readonly T[] =>
  items.filter((_, place) => isInPart(Math.floor(place / together), part));

/** How many of so many items fall to the part. */
export const countPart = (items: number, { part, of }: SamplePart, together = 1): number => {
  const whole = Math.floor(items / together);
  const groups = Math.floor(whole / of) + (whole % of >= part ? 1 : 0);
  const last = whole % of === part - 1 ? items % together : 0;
  return groups * together + last;
};

/** The same of batches, of whatever sizes: for data that cannot be chosen before they are read. */
export async function* selectPartOfBatches(
  batches: AsyncIterable<Batch>,
  part: SamplePart,
  together = 1,
): AsyncGenerator<Batch> {
  let place = 0;
  for await (const batch of batches) {
    const rows = batch.paths
      .map((_, row) => row)
      .filter((row) => isInPart(Math.floor((place + row) / together), part));
    place += batch.paths.length;
    if (rows.length > 0) yield rows.length === batch.paths.length ? batch : selectImages(batch, rows);
  }
}

const selectImages = ({ data, dims, paths }: Batch, rows: readonly number[]): Batch => {
  const [, ...image] = dims;
  const length = image.reduce((product, size) => product * size, 1);
  const chosen = new Float32Array(rows.length * length);
  for (const [to, row] of rows.entries())
    chosen.set(data.subarray(row * length, (row + 1) * length), to * length);
  return { data: chosen, dims: [rows.length, ...image], paths: rows.map((row) => paths[row]!) };
};
