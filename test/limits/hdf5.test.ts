/** HDF5 files that claim more data than they contain, or whose groups are cyclic, are refused or read quickly. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openKeras } from '../../src/export/models/keras-model.ts';
import { readHdf5Contents } from '../../src/formats/hdf5/hdf5-contents.ts';
import { readTensorfileBatches } from '../../src/formats/hdf5/tensorfile-reader.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { limits } from '../../src/ground/base/limits.ts';
import { denseWithoutData, groupInItself, inflatingChunk, manyPaths } from '../bombs/hdf5.ts';
import { deepConfig, nestedCalls } from '../bombs/keras.ts';
import { collect } from '../builders/collected.ts';
import { writeKeras } from '../keras/fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'tlt-test-hdf5-'));
const at = (name: string): string => join(folder, name);

const refusal = async (run: () => Promise<unknown>): Promise<string> => {
  try {
    await run();
    return 'it was read';
  } catch (thrown) {
    return thrown instanceof UserError ? `${thrown.reason}: ${thrown.message}` : String(thrown);
  }
};

for (const [what, make] of Object.entries({ 'holds itself': groupInItself, 'has 2^40 paths': manyPaths }))
  test(`a tensorfile whose batch ${what} is described without following them`, async (t) => {
    const contents = await readHdf5Contents(await make(at(what)));
    t.is(contents.kind, 'Tensorfile');
  });

test('a Keras array that claims 4 GiB in a file of 25 KB is refused before it is allocated', async (t) => {
  const path = await denseWithoutData(at('dense.hdf5'));
  t.regex(await refusal(() => openKeras({ path })), /^ModelInvalid: .*claim 4,294,967,296 bytes/);
});

test('a Keras array that claims 1 PiB is refused', async (t) => {
  const path = await denseWithoutData(at('vast.hdf5'), 2 ** 24);
  t.regex(await refusal(() => openKeras({ path })), /^ModelInvalid: .*claim 1,125,899,906,842,624 bytes/);
});

// Alone in its process while memory is measured.
test.serial('a chunk that inflates to 1 GiB is refused within the memory limit of HDF5', async (t) => {
  const path = await inflatingChunk(at('chunk.tensor'));
  const before = process.memoryUsage.rss();
  const request = { channels: 3, height: 32, width: 32, batches: 1, batchSize: 8, rows: 8 };
  t.regex(await refusal(() => collect(readTensorfileBatches(path, request))), /^TensorfileInvalid: /);
  t.true(process.memoryUsage.rss() - before < limits.hdf5Bytes.max + 2 ** 27);
});

test('nested models whose calls multiply to hundreds of millions are refused', async (t) => {
  const path = await writeKeras({ network: nestedCalls() });
  t.regex(await refusal(() => openKeras({ path })), /^ModelUnsupported: .*at most 20,000 are accepted/);
});

test('nested models with few calls are converted', async (t) => {
  const path = await writeKeras({ network: nestedCalls(2) });
  t.is((await openKeras({ path })).layers.length, 12 ** 2);
});

test('a configuration of two million brackets is refused, and the message quotes its beginning', async (t) => {
  const path = await writeKeras({ network: deepConfig() });
  t.regex(await refusal(() => openKeras({ path })), /^ModelInvalid: /);
});
