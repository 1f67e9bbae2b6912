/** Which gains of accuracy are kept. */
import test from 'ava';
import { fewestImages, isReliableGain, signTest } from '../../src/export/pipeline/reliable-gain.ts';

const measured = (whole: number, each: readonly number[]) => ({ whole: { sqnrDb: whole }, each });

/** SQNR of 32 images, of which `gains` are better than 20 dB and the others worse. */
const among32 = (gains: number) => Array.from({ length: 32 }, (_, i) => (i < gains ? 21 : 19));

const before = measured(20, new Array<number>(32).fill(20));

test('the sign test has the probabilities that scipy 1.17 computes', (t) => {
  // binomtest(gains, images, alternative='greater').pvalue
  for (const [gains, images, expected] of [
    [23, 32, 0.010030803503468633],
    [24, 32, 0.0035001833457499743],
    [7, 7, 0.0078125],
    [12, 16, 0.0384063720703125],
    [0, 5, 1],
  ] as const)
    t.true(Math.abs(signTest(gains, images) - expected) < 1e-12, `${gains} of ${images}`);
});

test('a gain counts if it is half a decibel, and on 24 of 32 images', (t) => {
  t.true(isReliableGain(before, measured(20.5, among32(24))));
  t.false(isReliableGain(before, measured(20.4, among32(32))));
  t.false(isReliableGain(before, measured(24, among32(23))));
});

test('no gain on fewer than seven images can be relied on', (t) => {
  t.is(fewestImages, 7);
  const gain = (images: number) =>
    [
      measured(20, new Array<number>(images).fill(20)),
      measured(24, new Array<number>(images).fill(24)),
    ] as const;
  t.true(isReliableGain(...gain(7)));
  t.false(isReliableGain(...gain(6)));
});

test('nothing is gained over outputs that equal those of float', (t) => {
  const exact = measured(Number.POSITIVE_INFINITY, new Array<number>(32).fill(Number.POSITIVE_INFINITY));
  t.false(isReliableGain(exact, exact));
  t.true(isReliableGain(before, exact));
});
