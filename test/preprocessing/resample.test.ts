/** The SIMD kernel of resampling beside the same sums in plain numbers. pillow.test.ts compares the result with Pillow. */
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { lanczosWeights } from '../../src/data/preprocessing/lanczos.ts';
import type { Pixels } from '../../src/data/preprocessing/normalise.ts';
import { resample } from '../../src/data/preprocessing/resample.ts';
import { fixedWeights } from '../../src/data/preprocessing/resampling-weights.ts';
import { seededRandom } from '../../src/ground/base/rng.ts';

/** Levels of a picture by row, column and channel. */
type Level = (y: number, x: number, channel: number) => number;
type Size = Omit<Pixels, 'data'>;

const draw = ({ width, height, channels }: Size, level: Level): Pixels => {
  const data = new Uint8Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    data[i] = level(Math.floor(pixel / width), pixel % width, i % channels);
  }
  return { data, width, height, channels };
};

const levelsOf =
  ({ data, width, channels }: Pixels): Level =>
  (y, x, channel) =>
    data[(y * width + x) * channels + channel]!;

/** Rounds half away from zero, as Pillow rounds coefficients. */
const inUnits = (weight: number): number => Math.sign(weight) * Math.floor(Math.abs(weight) * 2 ** 22 + 0.5);

const sumUp = (source: number, target: number): ((out: number, level: (at: number) => number) => number) => {
  const each = lanczosWeights(source, target);
  return (out, level) => {
    const { first, weights } = each[out]!;
    const sum = weights.reduce((total, weight, i) => total + inUnits(weight) * level(first + i), 0);
    return Math.min(255, Math.max(0, Math.floor((sum + 2 ** 21) / 2 ** 22)));
  };
};

/** The width, then the height. */
const resamplePlainly = (pixels: Pixels, width: number, height: number): Pixels => {
  const [across, down] = [sumUp(pixels.width, width), sumUp(pixels.height, height)];
  const given = levelsOf(pixels);
  const wide =
    pixels.width === width
      ? pixels
      : draw({ ...pixels, width }, (y, x, channel) => across(x, (at) => given(y, at, channel)));
  const between = levelsOf(wide);
  return wide.height === height
    ? wide
    : draw({ ...wide, height }, (y, x, channel) => down(y, (at) => between(at, x, channel)));
};

const requireEqual = (t: ExecutionContext, pixels: Pixels, width: number, height: number): void => {
  const found = resample(pixels, width, height);
  const wanted = resamplePlainly(pixels, width, height);
  t.deepEqual({ ...found, data: 0 }, { ...wanted, data: 0 });
  t.is(
    Buffer.compare(found.data, wanted.data),
    0,
    JSON.stringify({ ...pixels, data: 0, to: [width, height] }),
  );
};

/** Half of the levels are extremes, so that sums leave 0…255. */
const noise = (size: Size, seed: number): Pixels => {
  const random = seededRandom(seed);
  return draw(size, () => (random() < 0.5 ? 255 * Math.round(random()) : Math.floor(256 * random())));
};

const side = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 50 }));

test('pictures of any size become any other as by plain arithmetic', (t) => {
  fc.assert(
    fc.property(
      fc.record({ width: side, height: side, channels: fc.constantFrom(1, 3, 4) }),
      fc.record({ width: side, height: side, seed: fc.nat() }),
      (size, { width, height, seed }) => requireEqual(t, noise(size, seed), width, height),
    ),
    { numRuns: 150 },
  );
});

test('pictures larger than what the kernel holds at a time, and rows larger than its memory, are the same', (t) => {
  requireEqual(t, noise({ width: 400, height: 900, channels: 3 }, 1), 400, 20);
  requireEqual(t, noise({ width: 100_000, height: 2, channels: 3 }, 2), 5, 3);
  requireEqual(t, noise({ width: 2, height: 100_000, channels: 3 }, 3), 3, 5);
  requireEqual(t, noise({ width: 130_000, height: 3, channels: 3 }, 4), 130_000, 2);
  requireEqual(t, noise({ width: 40, height: 30, channels: 3 }, 5), 30, 40);
});

test('weights of an axis are computed once, until later ones take 4 MiB', (t) => {
  const first = fixedWeights(1_000, 100);
  const isKept = (): boolean => fixedWeights(1_000, 100) === first;
  t.true(isKept());
  fixedWeights(100_000, 100); // about 600,000 weights
  t.true(isKept());
  fixedWeights(100_001, 100);
  t.true(isKept(), 'the one used last goes last');
  fixedWeights(100_000, 100);
  fixedWeights(100_001, 100);
  t.false(isKept());
});
