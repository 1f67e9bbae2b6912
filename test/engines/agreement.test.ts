/** Comparison of lists of boxes: matched in pairs, independent of their order. */
import test from 'ava';
import { AgreementSum } from '../../src/graph/evaluation/agreement.ts';
import type { FloatTensor } from '../../src/graph/inference/session.ts';
import { agreementOf } from '../builders/agreement.ts';

type Row = readonly [label: number, score: number, left: number, top: number, right: number, bottom: number];

const none: Row = [-1, 0, 0, 0, 0, 0];
const coin: Row = [1, 0.9, 0.1, 0.1, 0.3, 0.3];
const brick: Row = [2, 0.8, 0.5, 0.5, 0.9, 0.7];

/** One image, four places. */
const inRows = (...found: readonly Row[]): Record<string, FloatTensor> => {
  const rows = [...found, none, none, none, none].slice(0, 4);
  return { NMS: { data: Float32Array.from(rows.flatMap((row) => [0, ...row])), dims: [1, 1, 4, 7] } };
};
const inColumns = (...found: readonly Row[]): Record<string, FloatTensor> => {
  const rows = [...found, none, none, none, none].slice(0, 4);
  const column = (values: readonly number[], dims: readonly number[]) => ({
    data: Float32Array.from(values),
    dims,
  });
  return {
    'BatchedNMS_1:0': column(
      rows.flatMap(([, , ...box]) => box),
      [1, 4, 4],
    ),
    'BatchedNMS_2:0': column(
      rows.map(([, score]) => score),
      [1, 4],
    ),
    'BatchedNMS_3:0': column(
      rows.map(([label]) => label),
      [1, 4],
    ),
  };
};

type Compared = { readonly boxes: number; readonly matchedBoxes: number | undefined };

const agrees = test.macro<[readonly Row[], readonly Row[], Compared]>({
  title: (title) => `boxes: ${title}`,
  exec: (t, reference, other, expected) => {
    for (const listed of [inRows, inColumns]) {
      const { boxes, matchedBoxes, top1 } = agreementOf(listed(...reference), listed(...other), 1);
      t.deepEqual({ boxes, matchedBoxes }, expected);
      t.is(top1, undefined, 'scores of boxes are no classes of an image');
    }
  },
});

test('the order of boxes does not matter', agrees, [coin, brick], [brick, coin], {
  boxes: 2,
  matchedBoxes: 1,
});
test('a box of another class does not match', agrees, [coin], [[2, ...coin.slice(1)] as unknown as Row], {
  boxes: 2,
  matchedBoxes: 0,
});
test('a box that only one model finds lowers the agreement', agrees, [coin], [coin, brick], {
  boxes: 2,
  matchedBoxes: 0.5,
});
test(
  'a box that overlaps by less than half does not match',
  agrees,
  [coin],
  [[1, 0.9, 0.18, 0.1, 0.38, 0.3]],
  {
    boxes: 2,
    matchedBoxes: 0,
  },
);
test('a box is matched only once', agrees, [coin, [1, 0.7, 0.12, 0.1, 0.3, 0.3]], [coin], {
  boxes: 2,
  matchedBoxes: 0.5,
});
test(
  'a box whose score falls slightly below the limit still matches',
  agrees,
  [[1, 0.51, 0, 0, 1, 1]],
  [[1, 0.4, 0, 0, 1, 1]],
  {
    boxes: 1,
    matchedBoxes: 1,
  },
);
test('boxes with low scores in both models do not count', agrees, [[1, 0.3, 0, 0, 1, 1]], [], {
  boxes: 0,
  matchedBoxes: undefined,
});

test('with lists only, the ratio is that of matched boxes, and infinite for equal lists', (t) => {
  const moved: Row = [1, 0.8, 0.1, 0.1, 0.3, 0.3];
  t.is(agreementOf(inRows(coin, brick), inRows(brick, coin), 1).sqnrDb, Number.POSITIVE_INFINITY);
  const signal = 0.9 ** 2 + 2 * 0.1 ** 2 + 2 * 0.3 ** 2;
  const { sqnrDb } = agreementOf(inRows(coin), inRows(moved), 1);
  t.true(Math.abs(sqnrDb - 10 * Math.log10(signal / 0.01)) < 1e-4, `${sqnrDb}`);
  t.is(agreementOf(inRows(), inRows(), 1).sqnrDb, Number.POSITIVE_INFINITY);
});

test('with other outputs, the ratio is that of the other outputs', (t) => {
  const head = (value: number) => ({ head: { data: Float32Array.of(value), dims: [1, 1, 1] } });
  const { sqnrDb, matchedBoxes } = agreementOf(
    { ...inRows(coin), ...head(1) },
    { ...inRows(), ...head(0.9) },
    1,
  );
  t.true(Math.abs(sqnrDb - 20) < 1e-4, `${sqnrDb}`);
  t.is(matchedBoxes, 0);
});

/** A detector with a fixed batch of one image: rows are anchors. */
const anchored = (...values: number[]): Record<string, FloatTensor> => ({
  scores: { data: Float32Array.from(values), dims: [values.length / 2, 2] },
});

test('images are counted per batch, and rows of anchors are not classes of an image', (t) => {
  const { images, top1, sqnrDb } = agreementOf(anchored(1, 0, 0, 1, 1, 0), anchored(0, 1, 1, 0, 0, 1), 1);
  t.deepEqual({ images, top1 }, { images: 1, top1: undefined });
  t.true(sqnrDb < 0);
  t.is(
    agreementOf(anchored(1, 0, 0, 1), anchored(0, 1, 0, 1), 2).top1,
    0.5,
    'one row for each of two images',
  );
});

const sumOf = (
  ...batches: readonly (readonly [reference: readonly number[], other: readonly number[]])[]
) => {
  const sum = new AgreementSum({});
  const named = (values: readonly number[]) => ({
    y: { data: Float32Array.from(values), dims: [values.length] },
  });
  for (const [reference, other] of batches) sum.add(named(reference), named(other), 1);
  return sum;
};

test('a sum with as much noise as a complete one cannot exceed it any more', (t) => {
  const complete = sumOf(
    [
      [1, 2],
      [1, 3],
    ],
    [
      [4, 5],
      [4, 5],
    ],
  );
  t.true(
    sumOf([
      [1, 2],
      [1, 3],
    ]).cannotExceed(complete),
  );
  t.true(
    sumOf([
      [1, 2],
      [1, 4],
    ]).cannotExceed(complete),
  );
  t.false(
    sumOf([
      [1, 2],
      [1, 2.5],
    ]).cannotExceed(complete),
  );
  t.false(sumOf().cannotExceed(complete));
});

test('NaN is more noise than any, and lists of boxes are not ruled out', (t) => {
  const invalid = sumOf([[1], [Number.NaN]]);
  t.true(invalid.cannotExceed(sumOf([[1], [9]])));
  t.false(sumOf([[1], [9]]).cannotExceed(invalid));
  const rows = { detections: { rows: 'NMS' } };
  const [wide, exact] = [new AgreementSum(rows), new AgreementSum(rows)];
  wide.add(inRows(coin), inRows(brick), 1);
  exact.add(inRows(coin), inRows(coin), 1);
  t.false(wide.cannotExceed(exact));
});
