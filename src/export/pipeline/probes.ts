/** Synthetic images to compare two graphs with if an export has no images. They are never used for calibration. */
import type { Batch } from '../../data/preprocessing/batches.ts';
import { normaliseInto, type Pixels } from '../../data/preprocessing/normalise.ts';
import { seededRandom } from '../../ground/base/rng.ts';
import type { OpenedModel } from '../models/open-model.ts';

const seed = 42;

type Shape = Pick<OpenedModel, 'channels' | 'height' | 'width' | 'preprocessing'>;

/** A batch of `count` images, [N,C,H,W], preprocessed like photographs: colour gradients with increasing noise. */
export const probeBatch = (shape: Shape, count: number): Batch => {
  const { channels, height, width, preprocessing } = shape;
  const random = seededRandom(seed);
  const length = channels * height * width;
  const data = new Float32Array(count * length);
  for (let image = 0; image < count; image++)
    normaliseInto(data, image * length, drawImage(shape, (image + 1) / count, random), preprocessing);
  const paths = Array.from({ length: count }, (_, i) => `synthetic image ${i + 1}`);
  return { data, dims: [count, channels, height, width], paths };
};

const drawImage = ({ channels, height, width }: Shape, noise: number, random: () => number): Pixels => {
  const data = new Uint8Array(height * width * channels);
  const colours = Array.from({ length: channels }, () => ({ from: random(), to: random() }));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (const [channel, { from, to }] of colours.entries()) {
        const slope = from + ((to - from) * (x + y)) / (width + height);
        const value = (1 - noise) * slope + noise * random();
        data[(y * width + x) * channels + channel] = Math.floor(256 * value);
      }
  return { data, height, width, channels };
};
