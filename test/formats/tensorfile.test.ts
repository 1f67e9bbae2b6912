import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { File, ready } from 'h5wasm/node';
import { guessChunkShape, type TensorBatch } from '../../src/formats/hdf5/tensorfile-layout.ts';
import { readTensorfileBatches, type TensorfileRequest } from '../../src/formats/hdf5/tensorfile-reader.ts';
import { writeTensorfile } from '../../src/formats/hdf5/tensorfile-writer.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { peerPython, runPeer } from '../peers/venv.ts';

const folder = mkdtempSync(join(tmpdir(), 'tensorfile-'));
let files = 0;
/** A new name each time, because HDF5 reuses an open file of the same name. */
const newPath = (): string => join(folder, `${files++}.tensor`);
const saveFile = (bytes: Uint8Array): string => {
  const path = newPath();
  writeFileSync(path, bytes);
  return path;
};

/** The values that the peer writes: batch b holds b + i / size. */
const valueAt = (batch: number, index: number, size: number): number => Math.fround(batch + index / size);
async function* ramps(count: number, dims: TensorBatch['dims']): AsyncGenerator<TensorBatch> {
  const size = dims.reduce((a, b) => a * b, 1);
  for (let batch = 0; batch < count; batch += 1)
    yield { data: Float32Array.from({ length: size }, (_, i) => valueAt(batch, i, size)), dims, paths: [] };
}
const writeBatches = async (count: number, dims: TensorBatch['dims']): Promise<string> => {
  const path = newPath();
  await writeTensorfile(path, ramps(count, dims));
  return path;
};

test.before(async () => void (await peerPython())); // created once, before the concurrent tests

const small = { channels: 3, height: 4, width: 5, batches: 3, batchSize: 2, rows: 2 };
const read = async (path: string, request: TensorfileRequest): Promise<TensorBatch[]> => {
  const batches: TensorBatch[] = [];
  for await (const batch of readTensorfileBatches(path, request)) batches.push(batch);
  return batches;
};
const assertRefused = async (
  t: ExecutionContext,
  path: string,
  request: TensorfileRequest,
): Promise<UserError> => {
  const error = await t.throwsAsync(read(path, request), { instanceOf: UserError });
  t.true(error!.message.includes(path));
  return error!;
};

test('the same batches give the same bytes at any time', async (t) => {
  const many = 40; // enough that the groups need more than one symbol node
  const before = await writeBatches(many, [2, 3, 4, 5]);
  await sleep(1100); // HDF5 stores times in seconds
  t.true(readFileSync(await writeBatches(many, [2, 3, 4, 5])).equals(readFileSync(before)));
});

test('h5py finds the exact layout of TLT in a written file', async (t) => {
  const dims = [8, 3, 24, 78] as const;
  const layout = await runPeer('tensorfiles.py', ['read', await writeBatches(11, dims)]);
  const size = dims.reduce((a, b) => a * b, 1);
  const group = (batch: number) => ({
    members: ['_tensorfile_array_key_'],
    attributes: 0,
    dtype: 'float32',
    shape: dims,
    maxshape: dims,
    chunks: guessChunkShape(dims, 4),
    compression: ['gzip', 4, false, false],
    fill: 0,
    sum: Array.from({ length: size }, (_, i) => valueAt(batch, i, size)).reduce((a, b) => a + b, 0),
  });
  const { groups, ...head } = layout as { groups: Record<string, ReturnType<typeof group>> };
  t.deepEqual(head, { superblock: 0, attributes: { count: ['int64', 11], shape: ['int64', dims] } } as never);
  t.deepEqual(
    Object.keys(groups).toSorted(),
    Array.from({ length: 11 }, (_, n) => `_tensorfile_array_key__${n}`).toSorted(),
  );
  const { sum, ...rest } = groups._tensorfile_array_key__10!;
  const { sum: wanted, ...expected } = group(10);
  t.deepEqual(rest as unknown, expected);
  t.true(Math.abs(sum - wanted) < 1e-3, `${sum} and ${wanted}`);
});

const chunked = test.macro({
  exec: (t, dims: number[], bytesEach: number, chunks: number[]) => {
    t.deepEqual(guessChunkShape(dims, bytesEach), chunks);
  },
  title: (_given, dims: number[], bytesEach: number) =>
    `chunks of (${dims}) × ${bytesEach} bytes equal h5py's`,
});
test(chunked, [8, 3, 384, 1248], 4, [1, 1, 48, 312]);
test(chunked, [64, 3, 224, 224], 4, [8, 1, 28, 56]);
test(chunked, [8, 3, 300, 300], 8, [1, 1, 75, 75]);

for (const type of ['float32', 'float64'])
  test(`a tensorfile written by h5py in ${type} is read like one written here, bit for bit`, async (t) => {
    const path = newPath();
    await runPeer('tensorfiles.py', ['write', path, type, '2,3,4,5', '11']);
    const request = { ...small, batches: 11 };
    t.deepEqual(
      (await read(path, request)).map(({ data, dims }) => ({ data, dims })),
      (await read(await writeBatches(11, [2, 3, 4, 5]), request)).map(({ data, dims }) => ({ data, dims })),
    );
  });

const regrouped = test.macro({
  exec: async (t, batchSize: number, rows: number, sizes: number[]) => {
    const path = await writeBatches(3, [4, 3, 4, 5]);
    const batches = await read(path, { ...small, batchSize, rows });
    t.deepEqual(
      batches.map(({ dims }) => dims[0]),
      sizes,
    );
    const values = batches.flatMap(({ data }) => [...data]);
    const taken = batchSize * 60;
    t.deepEqual(
      values,
      Array.from({ length: 3 * taken }, (_, i) => valueAt(Math.floor(i / taken), i % taken, 240)),
    );
  },
  title: (_given, batchSize: number, rows: number) =>
    `the first ${batchSize} of 4 stored rows come out ${rows} at a time`,
});
test(regrouped, 4, 4, [4, 4, 4]);
test(regrouped, 3, 4, [4, 4, 1]);
test(regrouped, 1, 2, [2, 1]);
test(regrouped, 4, 5, [5, 5, 2]);

const refuses = test.macro({
  exec: async (t, change: Partial<TensorfileRequest>, reason: FailureReason, says: RegExp) => {
    const error = await assertRefused(t, await writeBatches(3, [2, 3, 4, 5]), { ...small, ...change });
    t.is(error.reason, reason);
    t.regex(error.message, says);
  },
  title: (_given, change: Partial<TensorfileRequest>) => `refuses ${JSON.stringify(change)}`,
});
test(refuses, { batches: 4 }, 'TooFewImages', /holds 3 batches, but 4/);
test(refuses, { batchSize: 3 }, 'TensorfileInvalid', /batch 0 holds 2 images, but ⟨batchSize⟩ takes 3/);
test(refuses, { width: 6 }, 'TensorfileInvalid', /shape \(3, 4, 5\); the model takes \(3, 4, 6\)/);

test('a short last batch is reported by its number', async (t) => {
  const path = await writeBatches(2, [2, 3, 4, 5]);
  await ready;
  const file = new File(path, 'a');
  file
    .create_group('_tensorfile_array_key__2')
    .create_dataset({ name: '_tensorfile_array_key_', data: new Float32Array(60), shape: [1, 3, 4, 5] });
  file.delete_attribute('count');
  file.create_attribute('count', 3, [], '<q');
  file.close();
  t.regex((await assertRefused(t, path, small)).message, /batch 2 holds 1 images/);
});
test('an empty tensorfile, another HDF5 file and a file that is not HDF5 have different errors', async (t) => {
  t.regex((await assertRefused(t, await writeBatches(0, [2, 3, 4, 5]), small)).message, /holds no batches/);
  const foreign = newPath();
  new File(foreign, 'w').close();
  t.regex((await assertRefused(t, foreign, small)).message, /not a tensorfile/);
  t.regex((await assertRefused(t, saveFile(new Uint8Array(5000)), small)).message, /not an HDF5 file/);
});

test('a failed write leaves no file, and an existing file is not overwritten', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'tensorfile-whole-'));
  const path = join(place, 'calibration.tensor');
  async function* uneven() {
    yield* ramps(1, [2, 3, 4, 5]);
    yield* ramps(1, [1, 3, 4, 5]);
  }
  const error = await t.throwsAsync(writeTensorfile(path, uneven()), { instanceOf: UserError });
  t.regex(error!.message, /batch 1 has the shape \(1, 3, 4, 5\), the first batch \(2, 3, 4, 5\)/);
  t.deepEqual(readdirSync(place), []);
  writeFileSync(path, 'old');
  const taken = await t.throwsAsync(writeTensorfile(path, ramps(1, [2, 3, 4, 5])), { instanceOf: UserError });
  t.is(taken!.reason, 'OutputExists');
  t.is(readFileSync(path, 'utf8'), 'old');
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot('a full disk leaves no file, and the next file is written normally', async (t) => {
  const place = join(folder, 'full');
  mkdirSync(place);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place]);
  try {
    const write = writeTensorfile(join(place, 'out.tensor'), ramps(9, [8, 3, 64, 64]));
    t.is((await t.throwsAsync(write, { instanceOf: UserError }))?.reason, 'DiskFull');
    t.deepEqual(readdirSync(place), []);
  } finally {
    execFileSync('umount', [place]);
  }
  t.is((await read(await writeBatches(3, [2, 3, 4, 5]), small)).length, 3);
});

// Each damaged file starts libhdf5 again; `npm run fuzz -- --target HDF5` reads thousands.
const survives = async (bytes: Uint8Array): Promise<'read' | 'refused'> => {
  try {
    await read(saveFile(bytes), small);
    return 'read';
  } catch (error) {
    if (!(error instanceof UserError) || error.reason === 'Internal') throw error;
    return 'refused';
  }
};
test('a tensorfile truncated anywhere is refused', async (t) => {
  const good = readFileSync(await writeBatches(3, [2, 3, 4, 5]));
  const check = fc.asyncProperty(fc.integer({ min: 0, max: good.length - 1 }), async (length) => {
    t.is(await survives(good.subarray(0, length)), 'refused');
  });
  await fc.assert(check, { numRuns: 25 });
});
test('flipped bits give batches or a UserError, and do not affect the next file', async (t) => {
  const path = await writeBatches(3, [2, 3, 4, 5]);
  const good = readFileSync(path);
  const flips = fc.array(fc.record({ at: fc.nat(good.length - 1), bit: fc.nat(7) }), {
    minLength: 1,
    maxLength: 30,
  });
  let refusals = 0;
  const check = fc.asyncProperty(flips, async (changes) => {
    const bytes = Uint8Array.from(good);
    for (const { at, bit } of changes) bytes[at]! ^= 1 << bit;
    if ((await survives(bytes)) === 'refused') refusals += 1;
  });
  await fc.assert(check, { numRuns: 60 });
  t.true(refusals > 0);
  t.is((await read(path, small)).length, 3);
});
