/** Splits a calibration sample into disjoint parts that several machines can count. */
import type { Batch } from './batches.ts';

/** Part `part` of `of`. */
export type SamplePart = {
  /** From 1 to `of`. */
  readonly part: number;
  readonly of: number;
};

/** The only part of an undivided sample. */
export const wholeSample: SamplePart = { part: 1, of: 1 };

/** Whether the item at this index (from 0) belongs to the part: every `of`-th item does. */
const isInPart = (place: number, { part, of }: SamplePart): boolean => place % of === part - 1;

/** Items of the part, in order. Each micro-batch, a run of `microBatch` items, goes to one part. */
export const selectPart = <T>(items: readonly T[], part: SamplePart, together = 1): readonly T[] =>
  items.filter((_, place) => isInPart(Math.floor(place / together), part));

/** Number of items, out of `items`, that belong to the part. */
export const countPart = (items: number, { part, of }: SamplePart, together = 1): number => {
  const whole = Math.floor(items / together);
  const groups = Math.floor(whole / of) + (whole % of >= part ? 1 : 0);
  const last = whole % of === part - 1 ? items % together : 0;
  return groups * together + last;
};

/** Selects the part's images from batches of any size, for data that must be read to be selected. */
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
