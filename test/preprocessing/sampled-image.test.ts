/** Images of a folder that are loaded several times: what is decoded again, and what is kept. */
import test from 'ava';
import sharp from 'sharp';
import type { RemoteImage } from '../../src/data/preprocessing/image-list.ts';
import { preprocessingOf } from '../../src/data/preprocessing/normalise.ts';
import { folderImage, folderImages } from '../../src/data/preprocessing/sampled-image.ts';
import { UserError } from '../../src/ground/base/errors.ts';

const preprocessing = preprocessingOf('classification', 3);

/** An image of one colour in object storage, and how often it was read. */
const storedImage = async (background: string) => {
  const bytes = await sharp({ create: { width: 8, height: 6, channels: 3, background } })
    .png()
    .toBuffer();
  let reads = 0;
  const read = async (): Promise<Uint8Array> => {
    reads++;
    return bytes;
  };
  const image: RemoteImage = { path: `s3://images/${background}.png`, sizeBytes: bytes.length, read };
  return { image, reads: () => reads };
};

test('an image that is loaded again is not read again, has the same values, and each load returns its own', async (t) => {
  const size = { channels: 3, height: 20, width: 30 } as const;
  const [red, blue] = await Promise.all([storedImage('#f40000'), storedImage('#0000f4')]);
  const images = folderImages([red.image, blue.image], { size, preprocessing });
  const first = await Promise.all(images.map(({ load }) => load()));
  t.deepEqual(first, [
    await folderImage(red.image, { size, preprocessing }).load(),
    await folderImage(blue.image, { size, preprocessing }).load(),
  ]);
  const wanted = first.map((data) => data.slice());
  for (const data of first) data.fill(0);
  t.deepEqual(await Promise.all(images.map(({ load }) => load())), wanted);
  const batch = new Float32Array(2 * first[0]!.length);
  for (const [index, { decode }] of images.entries()) (await decode())(batch, index * first[0]!.length);
  t.deepEqual([...batch], [...wanted[0]!, ...wanted[1]!]);
  t.deepEqual([red.reads(), blue.reads()], [2, 2]);
});

test('16 MiB of pixels are kept, those that were loaded first', async (t) => {
  const size = { channels: 3, height: 1_600, width: 1_600 } as const; // 7.3 MiB
  const stored = await Promise.all(['#111', '#222', '#333'].map(storedImage));
  const images = folderImages(
    stored.map(({ image }) => image),
    { size, preprocessing },
  );
  for (const index of [2, 0, 1, 2, 0, 1]) await images[index]!.load();
  t.deepEqual(
    stored.map(({ reads }) => reads()),
    [1, 2, 1],
  );
});

test('an image that cannot be read is tried again', async (t) => {
  const { image } = await storedImage('#123');
  let isThere = false;
  const read = async (): Promise<Uint8Array> => (isThere ? image.read() : Uint8Array.of(1, 2, 3));
  const size = { channels: 3, height: 2, width: 2 } as const;
  const [only] = folderImages([{ ...image, read }], { size, preprocessing });
  const error = await t.throwsAsync(only!.load(), { instanceOf: UserError });
  t.is(error.reason, 'ImageInvalid');
  isThere = true;
  t.is((await only!.load()).length, 12);
});
