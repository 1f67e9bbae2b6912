/** Pixels as the network gets them, beside Pillow and NumPy written from TLT's rules. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import sharp, { type Sharp } from 'sharp';
import { imageBatches } from '../../src/data/preprocessing/batches.ts';
import { decodeImage } from '../../src/data/preprocessing/decode.ts';
import { sampleImages } from '../../src/data/preprocessing/image-list.ts';
import { type Preprocessing, preprocessingOf, scaleOf } from '../../src/data/preprocessing/normalise.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { collect } from '../builders/collected.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

type Case = {
  readonly architecture: string;
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
  /** The architecture's own if undefined. */
  readonly preprocessing?: Preprocessing;
};

const folder = mkdtempSync(join(tmpdir(), 'tlt-pixels-'));

/** In levels of 255: both sides do the same in whole numbers. */
const limit = 0.001;

const photos = photosFolder().then((each) => sampleImages(each, { batches: 1, batchSize: 8, seed: 2 }));

/** As a spec of it may say. */
const frcnn = { order: 'BGR', mean: [100.5, 110.25, 120], scale: 0.5 } as const;

const cases: readonly Case[] = [
  { architecture: 'classification', channels: 3, height: 48, width: 192 },
  { architecture: 'classification', channels: 1, height: 64, width: 64 },
  { architecture: 'detectnet_v2', channels: 3, height: 160, width: 256 },
  { architecture: 'faster_rcnn', channels: 3, height: 96, width: 160, preprocessing: frcnn },
];

const nameOf = ({ architecture, channels, height, width }: Case): string =>
  [architecture, channels, height, width].join('-');

/** What Pillow and NumPy make of the images, for each case. */
const references = async (
  these: readonly Case[],
  images: readonly string[],
): Promise<(of: Case) => Float32Array> => {
  await runPeer('preprocess_reference.py', [folder, these.map(nameOf).join(), ...images]);
  return (of) => floatsIn(join(folder, `${nameOf(of)}.f32`));
};

const floatsIn = (path: string): Float32Array => {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};

const ofPhotos = photos.then(({ chosen }) => references(cases, chosen.map(String)));

const agrees = test.macro<[Case]>({
  title: (_, { architecture, channels }) =>
    `${architecture} with ${channels} channels is preprocessed as Pillow and NumPy would`,
  exec: async (t: ExecutionContext, each: Case) => {
    const { architecture, channels, height, width } = each;
    const { chosen } = await photos;
    const preprocessing = each.preprocessing ?? preprocessingOf(architecture, channels);
    const size = { channels, height, width };
    const [batch] = await collect(imageBatches(chosen, { size, preprocessing, batchSize: 8 }));
    const theirs = (await ofPhotos)(each);
    t.is(batch!.data.length, theirs.length);
    const largest = theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - batch!.data[i]!)), 0);
    const levels = largest / scaleOf(preprocessing, 0);
    t.log(`largest difference ${levels.toFixed(4)} of 255`);
    t.true(levels < limit, String(largest));
  },
});

for (const each of cases) test(agrees, each);

test('ssd, dssd, yolo and retinanet preprocess folder images like classification', (t) => {
  for (const channels of [1, 3])
    for (const architecture of ['ssd', 'dssd', 'yolo', 'retinanet'])
      t.deepEqual(preprocessingOf(architecture, channels), preprocessingOf('classification', channels));
});

/** Half clear at its right. */
const withAlpha = (photo: Sharp, width: number, height: number): Sharp =>
  photo.joinChannel(
    Buffer.from(Uint8Array.from({ length: width * height }, (_, i) => 255 - ((i % width) * 127) / width)),
    { raw: { width, height, channels: 1 } },
  );

/** Files of every mode that Pillow treats in its own way; pillow.test.ts has more forms of each. */
const odd: Readonly<Record<string, (photo: Sharp) => Sharp>> = {
  'grey.png': (photo) => photo.greyscale().png(),
  'sixteen-bit.png': (photo) => photo.toColourspace('rgb16').png(),
  'palette.png': (photo) => photo.png({ palette: true, colours: 32 }),
  'two-levels.png': (photo) => photo.greyscale().threshold(128).png({ palette: true, colours: 2 }),
  'alpha.png': (photo) => withAlpha(photo, 160, 120).png(),
  'cmyk.jpg': (photo) => photo.toColourspace('cmyk').jpeg(),
  'rotated.jpg': (photo) => photo.withMetadata({ orientation: 6 }).jpeg(),
  'display-p3.jpg': (photo) => photo.withIccProfile('p3').jpeg(),
  'progressive.jpg': (photo) => photo.jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
};

test("images of any mode are stretched as Pillow stretches them: palettes, alpha, inks, 16 bits, profiles, EXIF's rotation", async (t) => {
  const photo = join(await photosFolder(), 'photo1-00.jpg');
  const paths = Object.keys(odd).map((name) => join(folder, name));
  for (const [name, make] of Object.entries(odd))
    await make(sharp(photo).resize({ width: 160, height: 120, fit: 'fill' })).toFile(join(folder, name));
  const size = { channels: 3, height: 64, width: 96 } as const;
  const asClassified = { architecture: 'classification', ...size };
  const theirs = (await references([asClassified], paths))(asClassified);
  const preprocessing = preprocessingOf('classification', 3);
  const [batch] = await collect(imageBatches(paths, { size, preprocessing, batchSize: paths.length }));
  const length = theirs.length / paths.length;
  for (const [index, path] of paths.entries()) {
    let largest = 0;
    for (let i = index * length; i < (index + 1) * length; i++)
      largest = Math.max(largest, Math.abs(theirs[i]! - batch!.data[i]!));
    t.log(`${basename(path)}: largest ${largest.toFixed(4)} of 255`);
    t.true(largest < limit, `${basename(path)}: ${largest}`);
  }
});

const size = { width: 8, height: 8, channels: 3 } as const;

test('an image of one pixel is resized', async (t) => {
  const path = join(folder, 'one.png');
  await sharp({ create: { width: 1, height: 1, channels: 3, background: { r: 9, g: 8, b: 7 } } })
    .png()
    .toFile(path);
  const { data } = await decodeImage(path, size);
  t.deepEqual([...data.subarray(0, 3)], [9, 8, 7]);
});

test('an image of more than 100 megapixels is rejected before decoding', async (t) => {
  const path = join(folder, 'huge.png');
  const bytes = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#888' } })
    .png()
    .toBuffer();
  bytes.writeUInt32BE(20_000, 16);
  bytes.writeUInt32BE(10_000, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  writeFileSync(path, bytes);
  const error = await t.throwsAsync(decodeImage(path, size), { instanceOf: UserError });
  t.is(error.reason, 'ImageInvalid');
  t.regex(error.message, /huge\.png: it has 20000 × 10000 pixels, more than 100 megapixels/);
});
