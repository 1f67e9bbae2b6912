/** A thumbnail is the tensor turned back: what was fed rightly looks right, what was not does not. */
import test from 'ava';
import sharp from 'sharp';
import { normaliseInto, type Pixels, preprocessingOf } from '../../src/data/preprocessing/normalise.ts';
import { pixelsOf, renderThumbnail } from '../../src/data/preprocessing/thumbnail.ts';
import { seededRandom } from '../../src/ground/base/rng.ts';

const noise = (channels: number, width = 20, height = 10): Pixels => {
  const random = seededRandom(3);
  const data = Uint8Array.from({ length: channels * width * height }, () => Math.floor(random() * 256));
  return { data, width, height, channels };
};

const fed = (pixels: Pixels, architecture: string): Float32Array => {
  const data = new Float32Array(pixels.data.length);
  normaliseInto(data, 0, pixels, preprocessingOf(architecture, pixels.channels));
  return data;
};

const back = test.macro({
  exec: (t, architecture: string, channels: number) => {
    const pixels = noise(channels);
    const planes = { ...pixels, data: fed(pixels, architecture) };
    t.deepEqual([...pixelsOf(planes, preprocessingOf(architecture, channels))], [...pixels.data]);
  },
  title: (_, architecture, channels) => `${architecture} with ${channels} channels comes back bit for bit`,
});
test(back, 'classification', 3);
test(back, 'classification', 1);
test(back, 'detectnet_v2', 3);
test(back, 'detectnet_v2', 1);

test('a wrong channel order shows as swapped colours', async (t) => {
  const red: Pixels = {
    data: Uint8Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 255 : 0)),
    width: 10,
    height: 10,
    channels: 3,
  };
  const how = preprocessingOf('detectnet_v2', 3);
  const data = new Float32Array(300);
  normaliseInto(data, 0, red, { ...how, order: 'BGR' });
  const uri = await renderThumbnail({ ...red, data }, how);
  const picture = sharp(Buffer.from(uri.split(',')[1]!, 'base64'));
  t.deepEqual([...(await picture.raw().toBuffer()).subarray(0, 3)], [0, 0, 255]);
});

test('a large input is rendered at most 256 pixels wide and keeps its aspect ratio', async (t) => {
  const pixels = noise(3, 512, 128);
  const planes = { ...pixels, data: fed(pixels, 'detectnet_v2') };
  const uri = await renderThumbnail(planes, preprocessingOf('detectnet_v2', 3));
  const { width, height } = await sharp(Buffer.from(uri.split(',')[1]!, 'base64')).metadata();
  t.deepEqual([width, height], [256, 64]);
});
