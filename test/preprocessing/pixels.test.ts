/** Pixels as the network gets them, beside Pillow and NumPy written from TLT's rules. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import sharp, { type Sharp } from 'sharp';
import { UserError } from '../../src/base/errors.ts';
import { imageBatches } from '../../src/preprocessing/batches.ts';
import { decodeImage } from '../../src/preprocessing/decode.ts';
import { sampleImages } from '../../src/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/preprocessing/normalise.ts';
import { collected } from '../builders/collected.ts';
import { runPeer } from '../peers/venv.ts';
import { photosFolder } from '../photos/photos.ts';

type Case = {
  readonly architecture: string;
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
};

const folder = mkdtempSync(join(tmpdir(), 'tlt-pixels-'));

/** In levels of 255. From PNG both sides see the same pixels; JPEG decoders differ by a level or two before the resize. */
const limits = { png: 0.001, jpeg: 4 };

/** The photos as PNG, so that no JPEG decoder stands between the two. */
const asPng = (paths: readonly string[]): Promise<string[]> =>
  Promise.all(
    paths.map(async (path) => {
      const copy = join(folder, `${basename(path)}.png`);
      await sharp(path).png({ compressionLevel: 1 }).toFile(copy);
      return copy;
    }),
  );

const agrees = test.macro<[Case]>({
  title: (_, { architecture, channels }) =>
    `${architecture} with ${channels} channels is preprocessed as Pillow and NumPy would`,
  exec: async (t: ExecutionContext, { architecture, channels, height, width }: Case) => {
    const { chosen } = await sampleImages(await photosFolder(), { batches: 1, batchSize: 8, seed: 2 });
    const kinds = { jpeg: chosen, png: await asPng(chosen) };
    for (const kind of ['png', 'jpeg'] as const) {
      const target = join(folder, `${architecture}-${channels}-${kind}.f32`);
      const shape = [channels, height, width].map(String);
      await runPeer('preprocess_reference.py', [architecture, ...shape, target, ...kinds[kind]]);
      const bytes = readFileSync(target);
      const theirs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      const preprocessing = preprocessingOf(architecture, channels);
      const size = { channels, height, width };
      const [batch] = await collected(imageBatches(kinds[kind], { size, preprocessing, batchSize: 8 }));
      t.is(batch!.data.length, theirs.length);
      const differences = theirs.map((value, i) => Math.abs(value - batch!.data[i]!) / preprocessing.scale);
      const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
      const largest = differences.reduce((most, value) => Math.max(most, value), 0);
      t.log(`${kind}: mean ${mean.toFixed(4)}, largest ${largest.toFixed(4)} of 255`);
      t.true(largest < limits[kind], `${kind}: largest ${largest}`);
    }
  },
});

test(agrees, { architecture: 'classification', channels: 3, height: 48, width: 192 });
test(agrees, { architecture: 'classification', channels: 1, height: 64, width: 64 });
test(agrees, { architecture: 'detectnet_v2', channels: 3, height: 160, width: 256 });

const size = { width: 8, height: 8, channels: 3 } as const;
const gradient = () =>
  sharp({ create: { width: 40, height: 30, channels: 3, background: { r: 200, g: 100, b: 50 } } });

const odd: Readonly<Record<string, () => Sharp>> = {
  'grey.png': () => gradient().greyscale().png(),
  'sixteen-bit.png': () => gradient().toColourspace('rgb16').png(),
  'palette.png': () => gradient().png({ palette: true }),
  'alpha.png': () => gradient().ensureAlpha(0.5).png(),
  'cmyk.jpg': () => gradient().toColourspace('cmyk').jpeg(),
  'rotated.jpg': () => gradient().withMetadata({ orientation: 6 }).jpeg(),
};

for (const [name, make] of Object.entries(odd))
  test(`an odd image decodes to three channels of eight bits: ${name}`, async (t) => {
    const path = join(folder, name);
    await make().toFile(path);
    const { data, channels } = await decodeImage(path, size);
    t.is(channels, 3);
    t.is(data.length, 8 * 8 * 3);
    const expected = name === 'grey.png' ? [data[0]!, data[0]!, data[0]!] : [200, 100, 50];
    for (const [channel, value] of expected.entries())
      t.true(
        Math.abs(data[channel]! - value) <= (name === 'cmyk.jpg' ? 40 : 12),
        `channel ${channel} is ${data[channel]}, expected ${value}`,
      );
  });

test('an image of one pixel is stretched', async (t) => {
  const path = join(folder, 'one.png');
  await sharp({ create: { width: 1, height: 1, channels: 3, background: { r: 9, g: 8, b: 7 } } })
    .png()
    .toFile(path);
  const { data } = await decodeImage(path, size);
  t.deepEqual([...data.subarray(0, 3)], [9, 8, 7]);
});

test('an image of more than a hundred megapixels is refused before it is decoded', async (t) => {
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
  t.true(error.message.includes('huge.png'));
});
