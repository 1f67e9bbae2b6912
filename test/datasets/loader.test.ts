/** A training's own data: which images are drawn, in which order, and what happens with those that are broken. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { type LoaderOptions, openLoader } from '../../src/data/datasets/loader.ts';
import type { LoaderPlan, Tfrecords } from '../../src/data/datasets/plan.ts';
import { detectnetValues } from '../../src/data/preprocessing/values.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { collect } from '../builders/collected.ts';
import { exampleBytes, tfrecordBytes } from '../formats/tfrecord-bytes.ts';

const inputs = {
  size: { channels: 3, height: 4, width: 6 },
  batchSize: 4,
  geometry: { kind: 'padCrop', left: 0, top: 0 },
  values: detectnetValues(3),
} as const;

const nameOf = (number: number): string => String(number).padStart(6, '0');

const pictures = new Map<number, Promise<Buffer>>();

/** One whose red level is its number; every data set has the same. */
const picture = (number: number): Promise<Buffer> => {
  const background = { r: number, g: 0, b: 0 };
  const make = () =>
    sharp({ create: { width: 6, height: 4, channels: 3, background } })
      .png()
      .toBuffer();
  const known = pictures.get(number) ?? make();
  pictures.set(number, known);
  return known;
};

/** `<root>/kitti/images/<number>.png` and records in folds of ten; relative to the root, as a spec may name them. */
const aDataSet = async (images = 40): Promise<string> => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-dataset-'));
  const folder = join(root, 'kitti', 'images');
  mkdirSync(folder, { recursive: true });
  mkdirSync(join(root, 'records'));
  for (let number = 0; number < images; number++)
    writeFileSync(join(folder, `${nameOf(number)}.png`), await picture(number));
  for (let fold = 0; fold * 10 < images; fold++) {
    const ids = Array.from({ length: 10 }, (_, i) => `images/${nameOf(fold * 10 + i)}`);
    const records = tfrecordBytes(ids.map((id) => exampleBytes({ 'frame/id': id })));
    writeFileSync(join(root, 'records', `set-fold-${String(fold).padStart(3, '0')}-of-004`), records);
  }
  writeFileSync(join(root, 'records', 'idx-set-fold-000-of-004'), '0 100\n');
  return root;
};

const plan: Tfrecords & LoaderPlan = {
  kind: 'tfrecords',
  sources: [{ records: 'records/*', imageFolder: 'kitti' }],
  imageExtension: 'png',
  validation: { fold: 0 },
  ...inputs,
};

const base: LoaderOptions = { seed: 1, set: 'training' };

const numbersOf = async (options: Partial<LoaderOptions>, of: LoaderPlan = plan): Promise<number[]> => {
  const { batches } = await openLoader(of, { ...base, ...options });
  return (await collect(batches)).flatMap(({ paths }) =>
    paths.map((path) => Number.parseInt(basename(path), 10)),
  );
};

const ascending = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

for (const id of ['../private/secret', 'images/../../private/secret', '/etc/secret'])
  test(`a record cannot name an image outside the image folder: ${id}`, async (t) => {
    const root = await aDataSet();
    mkdirSync(join(root, 'private'));
    writeFileSync(join(root, 'private', 'secret.png'), await picture(7));
    writeFileSync(join(root, 'one'), tfrecordBytes([exampleBytes({ 'frame/id': id })]));
    const named = { ...plan, sources: [{ records: 'one', imageFolder: 'kitti' }] };
    const reading = numbersOf({ dataRoot: root, batches: 1, batchSize: 1 }, named);
    const error = await t.throwsAsync(reading, {
      instanceOf: UserError,
      message: /outside the image folder/,
    });
    t.is(error.reason, 'DatasetInvalid');
  });

test('the training set is every fold but one, each image once, in random order', async (t) => {
  const numbers = await numbersOf({ dataRoot: await aDataSet(), batchSize: 5 });
  t.deepEqual(ascending(numbers), range(10, 40));
  t.notDeepEqual(numbers, ascending(numbers));
});

test('the validation set is that fold; an incomplete last batch is dropped', async (t) => {
  const numbers = await numbersOf({ dataRoot: await aDataSet(), set: 'validation' });
  t.is(numbers.length, 8);
  t.true(numbers.every((number) => number < 10));
});

test('a seed reproduces the order at any batch size, and another seed changes it', async (t) => {
  const dataRoot = await aDataSet();
  const order = await numbersOf({ dataRoot, batchSize: 1 });
  t.deepEqual(await numbersOf({ dataRoot, batchSize: 15 }), order);
  t.deepEqual(await numbersOf({ dataRoot, batchSize: 4, batches: 3 }), order.slice(0, 12));
  t.notDeepEqual(await numbersOf({ dataRoot, batchSize: 1, seed: 2 }), order);
});

test('each batch contains the pixels of the images that it lists', async (t) => {
  const { images, batches } = await openLoader(plan, { ...base, dataRoot: await aDataSet() });
  let seen = 0;
  for await (const { data, dims, paths } of batches) {
    t.deepEqual(dims, [4, 3, 4, 6]);
    for (const [index, path] of paths.entries())
      t.is(Math.round(data[index * 72]! * 255), Number.parseInt(basename(path), 10));
    seen += paths.length;
  }
  t.is(seen, images);
  t.is(images, 28);
});

test('with a separate validation source, every fold is for training', async (t) => {
  const [dataRoot, other] = [await aDataSet(), await aDataSet(10)];
  const source = { records: join(other, 'records', 'set*'), imageFolder: join(other, 'kitti') };
  const own: LoaderPlan = { ...plan, validation: { source } };
  t.is((await numbersOf({ dataRoot }, own)).length, 40);
  const { batches } = await openLoader(own, { ...base, dataRoot, set: 'validation' });
  for (const { paths } of await collect(batches)) t.true(paths.every((path) => path.startsWith(other)));
});

test('sources are sampled by weight', async (t) => {
  const roots = [await aDataSet(200), await aDataSet(200)];
  const sources = roots.map((root, i) => ({
    records: join(root, 'records', 'set*'),
    imageFolder: join(root, 'kitti'),
    weight: i === 0 ? 3 : 1,
  }));
  const { batches } = await openLoader(
    { ...plan, sources, validation: { fold: 19 } },
    { ...base, batches: 40 },
  );
  const first = (await collect(batches))
    .flatMap(({ paths }) => paths)
    .filter((path) => path.startsWith(roots[0]!));
  t.true(first.length > 100 && first.length < 140, `${first.length} of 160, expected about 120`);
});

test('an image in its record needs no file', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-dataset-'));
  const list = Buffer.concat([Buffer.from([10]), varint((await picture(77)).length), await picture(77)]);
  const feature = Buffer.concat([Buffer.from([10]), varint(list.length), list]);
  const entry = Buffer.concat([Buffer.from('\x0a\x0dframe/encoded\x12'), varint(feature.length), feature]);
  const map = Buffer.concat([Buffer.from([10]), varint(entry.length), entry]);
  const encoded = Buffer.concat([Buffer.from([10]), varint(map.length), map]);
  const record = Buffer.concat([exampleBytes({ 'frame/id': 'images/a' }), encoded]);
  writeFileSync(join(root, 'a'), tfrecordBytes([record]));
  const dali: LoaderPlan = { ...plan, sources: [{ records: 'a', imageFolder: '.' }] };
  const { batches } = await openLoader(dali, { ...base, dataRoot: root, batchSize: 1 });
  const [batch] = await collect(batches);
  t.is(Math.round(batch!.data[0]! * 255), 77);
});

const varint = (value: number): Buffer =>
  value < 128
    ? Buffer.from([value])
    : Buffer.concat([Buffer.from([(value & 127) | 128]), varint(value >> 7)]);

test('class folders may be nested, and files next to them are ignored', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-classes-'));
  for (const [number, folder] of ['cat', 'dog', 'dog/deep'].entries()) {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, `${number}.PNG`), await picture(number));
  }
  const elsewhere = mkdtempSync(join(tmpdir(), 'tlt-elsewhere-'));
  writeFileSync(join(elsewhere, '3.png'), await picture(3));
  symlinkSync(elsewhere, join(root, 'linked'));
  symlinkSync('nowhere', join(root, 'dangling'));
  writeFileSync(join(root, '9.png'), await picture(9));
  writeFileSync(join(root, 'cat', 'labels.txt'), '');
  const classes: LoaderPlan = { kind: 'classFolders', training: root, ...inputs };
  t.deepEqual(ascending(await numbersOf({ batchSize: 1 }, classes)), [0, 1, 2, 3]);
  t.is((await openLoader(classes, { ...base, batchSize: 1 })).classes, 3);
  const error = await t.throwsAsync(openLoader(classes, { ...base, set: 'validation' }), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'TooFewImages');
});

test('a KITTI folder contributes only images with a label', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-kitti-'));
  const source = { imageFolder: join(root, 'images'), labelFolder: join(root, 'labels') };
  for (const folder of Object.values(source)) mkdirSync(folder);
  for (const number of range(0, 4))
    writeFileSync(join(source.imageFolder, `${number}.png`), await picture(number));
  for (const number of [1, 3, 5]) writeFileSync(join(source.labelFolder, `${number}.txt`), '');
  const kitti: LoaderPlan = { kind: 'kittiFolders', training: [source], validation: [], ...inputs };
  t.deepEqual(ascending(await numbersOf({ batchSize: 1 }, kitti)), [1, 3]);
});

test('a broken image ends the batches with an error that names its record', async (t) => {
  const dataRoot = await aDataSet();
  rmSync(join(dataRoot, 'kitti', 'images', `${nameOf(23)}.png`));
  const error = await t.throwsAsync(numbersOf({ dataRoot, batchSize: 1 }), { instanceOf: UserError });
  t.is(error.reason, 'ImageInvalid');
  t.regex(error.message, /000023\.png \(record 3 of .*fold-002-of-004\): the file does not exist/);
});

test('broken images are skipped up to the error budget, the same at any batch size', async (t) => {
  const dataRoot = await aDataSet();
  for (const number of [11, 23])
    writeFileSync(join(dataRoot, 'kitti', 'images', `${nameOf(number)}.png`), 'no image');
  const orders: number[][] = [];
  for (const batchSize of [1, 7, 28]) {
    const broken: string[] = [];
    const errorBudget = { share: 0.1, onBroken: ({ message }: UserError) => broken.push(message) };
    orders.push(await numbersOf({ dataRoot, batchSize, batches: 28 / batchSize, errorBudget }));
    t.is(broken.length, 2);
  }
  t.deepEqual(orders[1], orders[0]!);
  t.deepEqual(orders[2], orders[0]!);
  t.deepEqual(
    ascending(orders[0]!),
    range(10, 40).filter((number) => number !== 11 && number !== 23),
  );
  const onBroken = (): void => {};
  const one = { dataRoot, batchSize: 28, batches: 1, errorBudget: { share: 1 / 28, onBroken } };
  t.is((await t.throwsAsync(numbersOf(one), { instanceOf: UserError })).reason, 'ImageInvalid');
  const all = { dataRoot, batchSize: 30, batches: 1, errorBudget: { share: 0.1, onBroken } };
  t.is((await t.throwsAsync(numbersOf(all), { instanceOf: UserError })).reason, 'TooFewImages');
});

const fails = test.macro<[string, Partial<Tfrecords>, Partial<LoaderOptions>, FailureReason, RegExp]>({
  title: (_, name) => `is refused before any image is read: ${name}`,
  exec: async (t, _name, changes, options, reason, message) => {
    const opened = openLoader({ ...plan, ...changes }, { ...base, dataRoot: await aDataSet(), ...options });
    const error = await t.throwsAsync(opened, { instanceOf: UserError });
    t.is(error.reason, reason);
    t.regex(error.message, message);
  },
});
const [source] = plan.sources;
const noFiles = { sources: [{ ...source!, records: 'nowhere/*' }] };
const noFolder = { sources: [{ ...source!, imageFolder: 'nowhere' }] };
test(fails, 'a pattern without files', noFiles, {}, 'InputNotFound', /no file matches .*nowhere/);
test(fails, 'a missing image folder', noFolder, {}, 'InputNotFound', /image folder .*nowhere/);
test(
  fails,
  'more batches than there are',
  {},
  { batches: 8 },
  'TooFewImages',
  /need 32 images, but it has 30/,
);
test(
  fails,
  'a fold that no file belongs to',
  { validation: { fold: 9 } },
  { set: 'validation' },
  'TooFewImages',
  /but it has 0 /,
);

test('a record without an image name is rejected', async (t) => {
  const dataRoot = await aDataSet(10);
  writeFileSync(join(dataRoot, 'records', 'nameless'), tfrecordBytes([exampleBytes({ other: 'x' })]));
  const nameless: LoaderPlan = { ...plan, sources: [{ ...source!, records: 'records/nameless' }] };
  const error = await t.throwsAsync(numbersOf({ dataRoot, batchSize: 1 }, nameless), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'DatasetInvalid');
  t.regex(error.message, /record 0 of .*nameless: it has no image name/);
});

test('a different micro-batch size gives the same images', async (t) => {
  const dataRoot = await aDataSet();
  const options = { dataRoot, batches: 2, batchSize: 5 };
  const { images, batches } = await openLoader(plan, { ...base, ...options, microBatch: 4 });
  const cut = await collect(batches);
  t.is(images, 10);
  t.deepEqual(
    cut.map(({ paths }) => paths.length),
    [4, 4, 2],
  );
  t.deepEqual(
    cut.flatMap(({ paths }) => paths.map((path) => Number.parseInt(basename(path), 10))),
    await numbersOf(options),
  );
});

test('the digest changes with a sampled image, and not with any other image', async (t) => {
  const dataRoot = await aDataSet();
  const options = { ...base, dataRoot, batches: 2, batchSize: 4 };
  const digest = async (changes: Partial<LoaderOptions> = {}) =>
    (await openLoader(plan, { ...options, ...changes })).digest();
  const before = await digest();
  const drawn = await numbersOf(options);
  const write = (number: number) =>
    writeFileSync(join(dataRoot, 'kitti', 'images', `${nameOf(number)}.png`), 'changed');
  t.is(await digest({ batches: 4, batchSize: 2 }), before);
  t.not(await digest({ seed: 2 }), before);
  write(range(10, 40).find((number) => !drawn.includes(number))!);
  t.is(await digest(), before);
  write(drawn[7]!);
  const changed = await digest();
  t.not(changed, before);
  rmSync(join(dataRoot, 'kitti', 'images', `${nameOf(drawn[7]!)}.png`));
  t.not(await digest(), changed);
});
