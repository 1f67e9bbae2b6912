/** Parts of a sample: each image falls to exactly one, however the batches are cut. */
import test from 'ava';
import fc from 'fast-check';
import type { Batch } from '../../src/data/preprocessing/batches.ts';
import { countPart, selectPart, selectPartOfBatches } from '../../src/data/preprocessing/sample-part.ts';
import { collect } from '../builders/collected.ts';

/** Images 0, 1, 2 … of two values each, in batches of these sizes. */
const batchesOf = async function* (sizes: readonly number[]): AsyncGenerator<Batch> {
  let next = 0;
  for (const size of sizes) {
    const ids = Array.from({ length: size }, () => next++);
    yield {
      data: Float32Array.from(ids.flatMap((id) => [id, -id])),
      dims: [size, 1, 1, 2],
      paths: ids.map(String),
    };
  }
};

const cuts = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 }),
  of: fc.integer({ min: 1, max: 4 }),
  together: fc.integer({ min: 1, max: 3 }),
});

test('selecting a part of batches equals selecting it from the list of their images, data and names alike', async (t) => {
  await fc.assert(
    fc.asyncProperty(cuts, async ({ sizes, of, together }) => {
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const all = Array.from({ length: total }, (_, i) => i);
      const found: number[] = [];
      for (let part = 1; part <= of; part++) {
        const batches = await collect(selectPartOfBatches(batchesOf(sizes), { part, of }, together));
        const ids = batches.flatMap(({ paths }) => paths.map(Number));
        t.deepEqual(ids, [...selectPart(all, { part, of }, together)]);
        t.is(ids.length, countPart(total, { part, of }, together));
        t.deepEqual(
          batches.flatMap(({ data }) => [...data]),
          ids.flatMap((id) => [id, -id]),
        );
        t.true(batches.every(({ dims, paths }) => dims[0] === paths.length));
        found.push(...ids);
      }
      t.deepEqual(
        found.sort((a, b) => a - b),
        all,
      );
    }),
    { numRuns: 60 },
  );
});
