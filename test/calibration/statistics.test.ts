/** One scale at a Concat: what TensorRT lays side by side must be on one grid. */
import test from 'ava';
import { scalesOf } from '../../src/calibration/histograms/statistics.ts';
import { histogramOf } from '../builders/histogram.ts';

const ranges = { a: 1, b: 4, ab: 4, c: 9, abc: 9, far: 2 };
const histograms = new Map(
  Object.entries(ranges).map(([name, range]) => [name, histogramOf([range, -range / 2])]),
);

test('tensors of one Concat share the largest scale, chained Concats share one scale, and no other tensor is affected', (t) => {
  const tied = [
    ['a', 'b', 'ab'],
    ['ab', 'c', 'abc'],
  ];
  const scales = scalesOf({ histograms, sharedScale: tied, images: 1 }, 'MinMax');
  for (const name of ['a', 'b', 'ab', 'c', 'abc']) t.is(scales.get(name), Math.fround(9 / 127), name);
  t.is(scales.get('far'), Math.fround(2 / 127));
});

test('tensors with the same distribution share the scale as well', (t) => {
  const a = histograms.get('a')!;
  const named = new Map([...histograms, ['reshaped', a]]);
  const scales = scalesOf(
    { histograms: named, sharedScale: [['reshaped', 'c', 'abc']], images: 1 },
    'MinMax',
  );
  t.is(scales.get('a'), Math.fround(9 / 127));
});

test('integer and other unmeasured tensors are ignored', (t) => {
  const scales = scalesOf({ histograms, sharedScale: [['a', 'shape', 'b']], images: 1 }, 'MinMax');
  t.false(scales.has('shape'));
  t.is(scales.get('a'), scales.get('b'));
});
