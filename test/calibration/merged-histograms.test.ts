/** Adding histogram files: what is summed, how parts become a whole sample, and what is refused. */
import test from 'ava';
import { emptyHistogram } from '../../src/calibration/histograms/histogram.ts';
import {
  mergeHistogramFiles,
  type NamedHistograms,
} from '../../src/calibration/histograms/merged-histograms.ts';
import type { CountedSample } from '../../src/formats/scales/histogram-file.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { histogramOf } from '../builders/histogram.ts';

const sample = (changes: Partial<CountedSample> = {}): CountedSample => ({
  dataSha256: 'd'.repeat(64),
  seed: 1,
  drawn: 30,
  part: 1,
  of: 3,
  images: 10,
  consumed: 2,
  ...changes,
});

const model = 'a'.repeat(64);
const named = (
  name: string,
  samples: readonly CountedSample[],
  values: readonly number[],
): NamedHistograms => ({
  name,
  content: {
    modelSha256: model,
    samples,
    histograms: new Map([
      ['x', histogramOf(values)],
      ['y', histogramOf([1])],
    ]),
  },
});
const samplesOf = (...samples: CountedSample[]) =>
  mergeHistogramFiles(samples.map((each, i) => named(`${i}`, [each], [1]))).samples;

test('counts of each tensor add up', (t) => {
  const files = [named('one', [sample()], [1, -2]), named('two', [sample({ part: 2 })], [3, 3])];
  const { modelSha256, histograms } = mergeHistogramFiles(files);
  t.is(modelSha256, model);
  t.deepEqual([...histograms.keys()], ['x', 'y']);
  t.deepEqual(histograms.get('x') as unknown, histogramOf([1, -2, 3, 3]));
  t.deepEqual(histograms.get('y') as unknown, histogramOf([1, 1]));
});

test('one file alone is its own sum', (t) => {
  const { samples, histograms } = mergeHistogramFiles([named('one', [sample({ of: 1 })], [1])]);
  t.deepEqual(samples, [sample({ of: 1 })]);
  t.deepEqual(histograms.get('x') as unknown, histogramOf([1]));
  t.not(histograms.get('x') as unknown, emptyHistogram);
});

test('all parts of a sample are one whole sample: images add up, spare images are those of the part that took most', (t) => {
  const parts = [
    sample({ part: 3, images: 8, consumed: 5 }),
    sample(),
    sample({ part: 2, images: 9, consumed: 0 }),
  ];
  t.deepEqual(samplesOf(...parts), [sample({ of: 1, images: 27, consumed: 5 })]);
});

test('parts stay parts while one is missing, in the order of their numbers', (t) => {
  const [first, third] = [sample(), sample({ part: 3 })];
  t.deepEqual(samplesOf(third, first), [first, third]);
});

test('samples are in the order of data, seed, size and part, whatever the order of the files', (t) => {
  const sorted = [
    sample({ dataSha256: 'c'.repeat(64), seed: 9, drawn: 99, of: 2 }),
    sample({ seed: 0, drawn: 50, of: 2 }),
    sample({ drawn: 10, of: 2 }),
    sample({ part: 1 }),
    sample({ part: 2 }),
    sample({ dataSha256: 'e'.repeat(64), seed: 0, drawn: 1, of: 2 }),
  ];
  t.deepEqual(samplesOf(...sorted), sorted);
  t.deepEqual(samplesOf(...sorted.toReversed()), sorted);
});

test('a file of several samples brings all of them', (t) => {
  const two = [sample({ of: 2 }), sample({ seed: 2, of: 2 })];
  t.deepEqual(mergeHistogramFiles([named('both', two, [1])]).samples, two);
});

const refused = test.macro({
  exec: (t, one: NamedHistograms, other: NamedHistograms, says: string) => {
    const error = t.throws(() => mergeHistogramFiles([one, other]), { instanceOf: UserError }) as UserError;
    t.is(error.reason, 'HistogramsInvalid');
    t.true(error.message.includes(says), error.message);
  },
  title: (title) => `refused: ${title}`,
});
const one = named('one', [sample()], [1]);
const changed = (content: Partial<NamedHistograms['content']>): NamedHistograms => ({
  name: 'two',
  content: { ...named('two', [sample({ part: 2 })], [1]).content, ...content },
});
const same = 'one and two count the same images';
test('the same part twice', refused, one, named('two', [sample()], [1]), same);
test('parts of different splits', refused, one, named('two', [sample({ part: 2, of: 4 })], [1]), same);
const models = (size: number, sum: string) =>
  `one is of model aaaaaaaaaaaa… with 2 tensors, two is of model ${sum}… with ${size}.`;
test('another model', refused, one, changed({ modelSha256: 'b'.repeat(64) }), models(2, 'bbbbbbbbbbbb'));
const histograms = (...names: string[]) => new Map(names.map((name) => [name, histogramOf([1])]));
test(
  'more tensors',
  refused,
  one,
  changed({ histograms: histograms('x', 'y', 'z') }),
  models(3, 'aaaaaaaaaaaa'),
);
test('other tensors', refused, one, changed({ histograms: histograms('x', 'z') }), models(2, 'aaaaaaaaaaaa'));

for (const other of [{ dataSha256: 'e'.repeat(64) }, { seed: 2 }, { drawn: 31 }])
  test(`${Object.keys(other)[0]} differs: the samples share no images`, (t) => {
    t.is(samplesOf(sample(), sample(other)).length, 2);
  });
