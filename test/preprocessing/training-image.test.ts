/** Each training loader's pixels, beside Pillow, OpenCV and NumPy; images that no loader can take. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import type { Geometry } from '../../src/data/preprocessing/geometry.ts';
import { sampleImages } from '../../src/data/preprocessing/image-list.ts';
import { trainingImage } from '../../src/data/preprocessing/training-image.ts';
import {
  caffeValues,
  detectnetValues,
  fasterRcnnValues,
  type PixelScaling,
  tfValues,
  torchValues,
} from '../../src/data/preprocessing/values.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { decodePixels } from '../builders/pixels.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

const folder = mkdtempSync(join(tmpdir(), 'tlt-training-image-'));

type Case = {
  readonly loader: string;
  readonly channels: 1 | 3;
  readonly geometry: Geometry;
  readonly values: PixelScaling;
  /** One level of 255 in the unit of the output. */
  readonly level: number;
};

const sides = { height: 208, width: 336 };

/** As PNG, so that no JPEG decoder stands between the two. */
const somePhotos = async (): Promise<readonly string[]> => {
  const { chosen } = await sampleImages(await photosFolder(), { batches: 1, batchSize: 6, seed: 5 });
  const copy = async (path: string): Promise<string> => {
    const png = join(folder, `${basename(path)}.png`);
    await sharp(path).png({ compressionLevel: 1 }).toFile(png);
    return png;
  };
  return Promise.all(chosen.map(String).map(copy));
};

let photos: readonly string[];
test.before(async () => {
  photos = await somePhotos();
  const shape = [sides.height, sides.width].map(String);
  await runPeer('training_reference.py', [folder, ...shape, ...photos]);
});

const referenceOf = ({ loader, channels }: Pick<Case, 'loader' | 'channels'>): Float32Array => {
  const bytes = readFileSync(join(folder, `${loader}-${channels}.f32`));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

const agrees = test.macro<[Case]>({
  title: (_, { loader, channels }) => `${loader} with ${channels} channels: pixels are those of the training`,
  exec: async (t: ExecutionContext, { loader, channels, geometry, values, level }: Case) => {
    const theirs = referenceOf({ loader, channels });
    const image = trainingImage({ size: { channels, ...sides }, geometry, values });
    const ours = await Promise.all(photos.map((path) => image({ path })));
    const length = channels * sides.height * sides.width;
    t.true(ours.every((data) => data.length === length));
    t.is(theirs.length, photos.length * length);
    const distances = ours.map((data, i) => farthest(data, theirs.subarray(i * length)));
    const largest = Math.max(...distances) / level;
    t.log(`largest difference ${largest.toExponential(1)} levels of 255`);
    t.true(largest < 0.01, `${largest} levels`);
  },
});

const farthest = (ours: Float32Array, theirs: Float32Array): number =>
  ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)), 0);

const atOrigin: Geometry = { kind: 'padCrop', left: 0, top: 0 };
const frcnn = { 1: [117.25], 3: [100.5, 110.25, 120] } as const;
for (const channels of [3, 1] as const) {
  const nearest = { channels, geometry: { kind: 'nearest' } } as const;
  test(agrees, { loader: 'caffe', ...nearest, values: caffeValues(channels), level: 1 });
  test(agrees, { loader: 'tf', ...nearest, values: tfValues(channels), level: 1 / 127.5 });
  test(agrees, { loader: 'torch', ...nearest, values: torchValues(channels), level: 1 / 255 / 0.224 });
  const detectnet = { channels, values: detectnetValues(channels), level: 1 / 255 } as const;
  test(agrees, { loader: 'detectnet_v2', ...detectnet, geometry: atOrigin });
  test(agrees, {
    loader: 'detectnet_v2 cropped',
    ...detectnet,
    geometry: { kind: 'padCrop', left: 40, top: 30 },
  });
  test(agrees, { loader: 'detectnet_v2 resized', ...detectnet, geometry: { kind: 'autoResize' } });
  const order = channels === 3 ? 'BGR' : 'RGB';
  const values = fasterRcnnValues({ order, mean: frcnn[channels], scaling: 2 });
  test(agrees, { loader: 'faster_rcnn', channels, geometry: atOrigin, values, level: 0.5 });
  const ssd = { channels, values: caffeValues(channels), level: 1 } as const;
  test(agrees, { loader: 'ssd', ...ssd, geometry: { kind: 'bilinear' } });
  test(agrees, { loader: 'yolo', ...ssd, geometry: { kind: 'letterbox' } });
}

/** Enough detail that a cut falls inside the picture. */
const jpeg = (): Promise<Buffer> => {
  const raw = Uint8Array.from({ length: 200 * 200 * 3 }, (_, i) => (i * i) >> 3);
  return sharp(raw, { raw: { width: 200, height: 200, channels: 3 } })
    .jpeg()
    .toBuffer();
};

const avif = (): Promise<Buffer> =>
  sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .avif()
    .toBuffer();

const refused = test.macro<[string, () => Promise<Uint8Array>, RegExp]>({
  title: (_, name) => `${name} is refused, by name and with a reason`,
  exec: async (t, name, make, reason) => {
    const path = join(folder, name);
    writeFileSync(path, await make());
    const error = await t.throwsAsync(decodePixels({ path, namedBy: 'record 7 of a.tfrecord' }), {
      instanceOf: UserError,
    });
    t.is(error.reason, 'ImageInvalid');
    t.true(error.message.includes(`${path} (record 7 of a.tfrecord)`));
    t.regex(error.message, reason);
  },
});

test(refused, 'text.png', async () => Buffer.from('this is no image'), /not JPEG, PNG/);
test(refused, 'bitmap.bmp', async () => Buffer.from('BM\0\0\0\0'), /truncated or damaged/);
test(refused, 'large.ppm', async () => Buffer.from('P6 99999 99999 255 '), /more than 100 megapixels/);
test(refused, 'words.ppm', async () => Buffer.from('P3 2 2 255 1 2 x'), /a number is malformed/);
test(refused, 'empty.jpg', async () => new Uint8Array(0), /not JPEG, PNG/);
test(refused, 'half.jpg', async () => (await jpeg()).subarray(0, 3000), /truncated or damaged/);
test(
  refused,
  'half.png',
  async () =>
    (
      await sharp(await jpeg())
        .png()
        .toBuffer()
    ).subarray(0, 3000),
  /truncated or damaged/,
);

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>';
test(refused, 'svg.png', async () => Buffer.from(svg), /not JPEG, PNG/);
test(refused, 'avif.jpg', avif, /not JPEG, PNG/);

test('a missing image is rejected by name', async (t) => {
  const error = await t.throwsAsync(decodePixels({ path: join(folder, 'none.png') }), {
    instanceOf: UserError,
  });
  t.regex(error.message, /none\.png: the file does not exist/);
});

test('an image in a record needs no file', async (t) => {
  const { width, height } = await decodePixels({ path: 'in a record', bytes: await jpeg() });
  t.deepEqual([width, height], [200, 200]);
});

test('a truncated or bit-flipped image is decoded or rejected', async (t) => {
  const small = sharp(await jpeg()).resize({ width: 40, height: 40 });
  const files = [await small.clone().jpeg().toBuffer(), await small.clone().png().toBuffer()];
  const at = fc.double({ min: 0, max: 1, noNaN: true });
  const damage = fc.record({
    file: fc.constantFrom(...files),
    flips: fc.array(fc.tuple(at, fc.nat(7)), { maxLength: 6 }),
    length: at,
  });
  let decoded = 0;
  const isSound = fc.asyncProperty(damage, async ({ file, flips, length }) => {
    const bytes = Uint8Array.from(file.subarray(0, Math.ceil(length * file.length)));
    for (const [place, bit] of flips)
      if (bytes.length > 0) bytes[Math.floor(place * (bytes.length - 1))]! ^= 1 << bit;
    try {
      const { data, width, height } = await decodePixels({ path: 'in a record', bytes });
      decoded += 1;
      return data.length === width * height * 3;
    } catch (thrown) {
      if (!(thrown instanceof UserError)) throw thrown;
      return thrown.reason === 'ImageInvalid';
    }
  });
  await fc.assert(isSound, { numRuns: 300 });
  t.true(decoded > 0);
});
