/** The charts of the page: shapes, thresholds, and the numbers beside them. */
import test from 'ava';
import { drawHistogram, drawOverview, listTicks } from '../../src/export/report/charts.ts';
import type { TensorReport } from '../../src/export/report/tensor-report.ts';

const thresholds = { Entropy: 2, MinMax: 4, Percentile: 3, Mse: 1, Auto: 2 };

test('bars end at the height of the largest count, and thresholds stand where their value is', (t) => {
  const { text } = drawHistogram({
    histogram: { width: 1, counts: [99, 9, 0, 0] },
    threshold: 2,
    thresholds,
  });
  // 64 pixels for each unit from x = 12; log10(1 + 9) is half of log10(1 + 99).
  t.regex(text, /<path d="M44,50L44,2L108,26L172,50L236,50L236,50Z" fill="var\(--bars\)"\/>/);
  for (const [colour, x] of Object.entries({ entropy: 140, minmax: 268, percentile: 204, mse: 76 }))
    t.true(text.includes(`<path d="M${x},2V50" stroke="var(--${colour})" stroke-width="1"/>`), colour);
  t.true(text.includes('<path d="M140,2V50" stroke="var(--chosen)" stroke-width="2.5"/>'));
});

test('a tensor of zeros has a chart', (t) => {
  const none = { Entropy: 0, MinMax: 0, Percentile: 0, Mse: 0, Auto: 0 };
  const { text } = drawHistogram({ histogram: { width: 0, counts: [0, 0] }, threshold: 0, thresholds: none });
  t.notRegex(text, /NaN|Infinity/);
});

test('the overview has a point for each tensor with an error, from the lowest value to the highest', (t) => {
  const tensors = [
    { name: 'a<b', order: 0, sqnrDb: -10 },
    { name: 'c', order: 2, sqnrDb: 90 },
    { name: 'exact', order: 1, sqnrDb: 'inf' },
  ] as unknown as readonly TensorReport[];
  const { text } = drawOverview(tensors);
  t.is(text.match(/<circle /g)?.length, 2);
  t.true(
    text.includes('<circle cx="44" cy="190" r="3" fill="var(--accent)"><title>a&lt;b: -10.0 dB</title>'),
  );
  t.true(text.includes('<circle cx="940" cy="20"'));
  t.regex(text, /y="176"[^>]*>0</);
});

test('ticks are round numbers up to the end', (t) => {
  t.deepEqual(listTicks(-10, 90), [0, 20, 40, 60, 80]);
  t.deepEqual(listTicks(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  t.deepEqual(listTicks(0, 2.96), [0, 1, 2]);
  t.deepEqual(listTicks(0, 151.1), [0, 50, 100, 150]);
  t.deepEqual(listTicks(0, 0.0031), [0, 0.001, 0.002, 0.003]);
  for (let end = 1e-6; end < 1e6; end *= 1.37) {
    const ticks = listTicks(0, end);
    t.true(ticks.length >= 3 && ticks.length <= 6 && ticks.at(-1)! <= end * 1.001, `${end}: ${ticks}`);
  }
});
