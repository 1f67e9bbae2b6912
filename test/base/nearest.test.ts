/** Which known word was probably meant. */
import test from 'ava';
import { sortByDistance, suggestWord } from '../../src/ground/base/nearest.ts';

const flags = ['batches', 'batch_size', 'max_batch_size', 'seed'];

test('a typo finds its word, and an unrelated word finds none', (t) => {
  t.is(suggestWord('batch_sise', flags), 'batch_size');
  t.is(suggestWord('batchs', flags), 'batches');
  t.is(suggestWord('quantise', flags), undefined);
  t.is(suggestWord('x', []), undefined);
});

test('closest words come first, and equal distances keep their order', (t) => {
  t.deepEqual(sortByDistance('conv3', ['pool1', 'conv1', 'conv2', 'conv3x']), [
    'conv1',
    'conv2',
    'conv3x',
    'pool1',
  ]);
});
