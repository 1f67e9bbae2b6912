import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { File, ready } from 'h5wasm/node';
import { readHdf5Contents } from '../../src/formats/hdf5/hdf5-contents.ts';
import { UserError } from '../../src/ground/base/errors.ts';

const good = readFileSync(join(import.meta.dirname, '../tlt-model/tensorfile.h5'));
const folder = mkdtempSync(join(tmpdir(), 'hdf5-'));
let files = 0;
/** A new name each time, because HDF5 reuses an open file of the same name. */
const fileOf = (bytes: Uint8Array): string => {
  files += 1;
  writeFileSync(join(folder, `${files}`), bytes);
  return join(folder, `${files}`);
};

const makeFile = async (write: (file: File) => void): Promise<string> => {
  await ready;
  const path = fileOf(new Uint8Array());
  const file = new File(path, 'w');
  write(file);
  file.close();
  return path;
};

test('a batch of several arrays lists each', async (t) => {
  const path = await makeFile((file) => {
    file.create_attribute('count', 1, [], '<q');
    const batch = file.create_group('_tensorfile_array_key__0');
    batch.create_dataset({ name: 'image', data: new Float64Array(6), shape: [1, 6] });
    batch.create_group('inner').create_dataset({ name: 'label', data: new Float32Array(2), shape: [2] });
  });
  t.deepEqual(await readHdf5Contents(path), {
    kind: 'Tensorfile',
    count: 1,
    firstBatch: [
      { name: 'image', type: 'float64', shape: [1, 6] },
      { name: 'inner/label', type: 'float32', shape: [2] },
    ],
  });
});
test('a tensorfile without batches is described', async (t) => {
  const path = await makeFile((file) => file.create_attribute('count', 0, [], '<q'));
  t.deepEqual(await readHdf5Contents(path), { kind: 'Tensorfile', count: 0, firstBatch: [] });
});
test('a missing batch is reported by its number', async (t) => {
  const path = await makeFile((file) => {
    file.create_attribute('count', 2, [], '<q');
    file.create_group('_tensorfile_array_key__0');
  });
  const error = await t.throwsAsync(readHdf5Contents(path), { instanceOf: UserError });
  t.is(error?.reason, 'TensorfileInvalid');
  t.regex(error?.message ?? '', /batch 1 is missing/);
});
test('a Keras model is recognised by its attributes', async (t) => {
  const path = await makeFile((file) => {
    file.create_attribute('model_config', '{}');
    file.create_group('model_weights').create_attribute('keras_version', '2.2.4');
  });
  t.deepEqual(await readHdf5Contents(path), { kind: 'Keras', kerasVersion: '2.2.4' });
});
test('another HDF5 file lists its members', async (t) => {
  const path = await makeFile((file) => file.create_group('things'));
  t.deepEqual(await readHdf5Contents(path), { kind: 'Other', members: ['things'] });
});

for (const length of [8, 100, 2000, good.length - 1])
  test(`a tensorfile truncated to ${length} bytes is refused`, async (t) => {
    const error = await t.throwsAsync(readHdf5Contents(fileOf(good.subarray(0, length))), {
      instanceOf: UserError,
    });
    t.is(error?.reason, 'TensorfileInvalid');
  });
test('flipped bits give contents or TensorfileInvalid', async (t) => {
  const flips = fc.array(fc.record({ at: fc.integer({ min: 8, max: good.length - 1 }), bit: fc.nat(7) }), {
    maxLength: 30,
  });
  const refused = { count: 0 };
  const check = fc.asyncProperty(flips, async (changes) => {
    const bytes = Uint8Array.from(good);
    for (const { at, bit } of changes) bytes[at]! ^= 1 << bit;
    try {
      await readHdf5Contents(fileOf(bytes));
    } catch (error) {
      if (!(error instanceof UserError) || error.reason !== 'TensorfileInvalid') throw error;
      refused.count += 1;
    }
  });
  await fc.assert(check, { numRuns: 60 });
  t.true(refused.count > 0);
});
