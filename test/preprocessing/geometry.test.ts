/** A picture of any size, down to one pixel, fits any network size: reads stay inside the picture, and every output is written. */
import test from 'ava';
import fc from 'fast-check';
import { fitToNetwork, type Geometry } from '../../src/data/preprocessing/geometry.ts';
import { caffeValues, levelsOf } from '../../src/data/preprocessing/values.ts';

const levels = levelsOf(caffeValues(3));
const side = fc.integer({ min: 1, max: 40 });

const geometries: readonly Geometry[] = [
  { kind: 'nearest' },
  { kind: 'bilinear' },
  { kind: 'autoResize' },
  { kind: 'letterbox' },
];

for (const geometry of geometries)
  test(`${geometry.kind} leaves a picture of one colour as it is, at any size`, (t) => {
    fc.assert(
      fc.property(side, side, side, side, fc.nat(255), (fromWidth, fromHeight, width, height, level) => {
        const area = fromWidth * fromHeight;
        const pixels = {
          data: new Uint8Array(area * 3).fill(level),
          width: fromWidth,
          height: fromHeight,
          channels: 3,
        };
        const { data } = fitToNetwork(pixels, geometry, { width, height, levels });
        t.is(data.length, width * height * 3);
        t.true(data.every((value) => Math.abs(value - level) < 1e-3));
      }),
    );
  });

test('a crop contains the picture, and black outside of it', (t) => {
  const corner = fc.nat(50);
  fc.assert(
    fc.property(side, side, corner, corner, (fromWidth, fromHeight, left, top) => {
      const area = fromWidth * fromHeight;
      const pixels = {
        data: new Uint8Array(area).fill(9),
        width: fromWidth,
        height: fromHeight,
        channels: 1,
      };
      const target = { width: 16, height: 12, levels };
      const { data } = fitToNetwork(pixels, { kind: 'padCrop', left, top }, target);
      const inside =
        Math.max(0, Math.min(16, fromWidth - left)) * Math.max(0, Math.min(12, fromHeight - top));
      t.is(data.filter((value) => value === 9).length, inside);
      t.is(data.filter((value) => value === 0).length, 16 * 12 - inside);
    }),
  );
});

test('a letterboxed picture is centred between bands of its mean colour', (t) => {
  const pixels = { data: Uint8Array.from([0, 100]), width: 1, height: 2, channels: 1 };
  const { data } = fitToNetwork(pixels, { kind: 'letterbox' }, { width: 4, height: 2, levels });
  t.deepEqual([...data], [50, 0, 50, 50, 50, 100, 50, 50]);
});
