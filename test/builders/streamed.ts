/** Batches for work that frees them. */
import type { Batch } from '../../src/data/preprocessing/batches.ts';

/** Copies of these batches, which stay as they are. */
export async function* streamed(list: readonly Batch[]): AsyncGenerator<Batch> {
  for (const batch of list) yield { ...batch, data: batch.data.slice() };
}
