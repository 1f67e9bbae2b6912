/** Accuracy of int8 on real models and photos: the SQNR must depend on the scales. */
import test from 'ava';
import type { Batch } from '../../src/data/preprocessing/batches.ts';
import { measurePaired } from '../../src/export/pipeline/paired-agreement.ts';
import {
  batchHeldOut,
  compareInt8,
  measureInt8Agreement,
  measurePrecisionLatency,
} from '../../src/export/pipeline/verify-int8.ts';
import { readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { quantiseModel } from '../../src/graph/precision/qdq.ts';
import { calibrated } from '../builders/calibrated-models.ts';
import { collect } from '../builders/collected.ts';
import { rename, withRenamedOutputs } from '../builders/renamed.ts';
import { splitImages } from '../builders/split-images.ts';
import { streamed } from '../builders/streamed.ts';
import { modelFile } from '../models/models.ts';

test('calibration images are not among the held-out images', async (t) => {
  const { heldOutBatches, chosen } = await calibrated('classifier');
  const paths = heldOutBatches.flatMap((batch) => batch.paths);
  t.is(paths.length, 32);
  t.deepEqual(
    paths.filter((path) => chosen.includes(path)),
    [],
  );
});

test('the SQNR equals that of the two graphs run batch by batch, with no operator fused', async (t) => {
  const { opened, scales, heldOut, heldOutBatches } = await calibrated('classifier');
  const batches = batchHeldOut(opened, heldOut)!;
  const { images, sqnrDb, rmse, top1 } = await measureInt8Agreement(opened, scales, { batches });
  const model = await readModelFile(modelFile('classifier'));
  const float = await openSession(serializeModel(model));
  const int8 = await openSession(serializeModel(quantiseModel(model, scales)), {
    optimisation: 'disabled',
  });
  let [signal, noise, values] = [0, 0, 0];
  for (const { data, dims } of heldOutBatches) {
    const feeds = { input_1: { data, dims } };
    const [a, b] = [await float.run(feeds), await int8.run(feeds)];
    const [x, y] = [a['predictions/Softmax']!.data, b['predictions/Softmax']!.data];
    for (let i = 0; i < x.length; i++) {
      signal += x[i]! ** 2;
      noise += (x[i]! - y[i]!) ** 2;
    }
    values += x.length;
  }
  await float.release();
  await int8.release();
  t.is(images, 32);
  t.true(Math.abs(sqnrDb - 10 * Math.log10(signal / noise)) < 0.01, `${sqnrDb}`);
  t.true(Math.abs(rmse / Math.sqrt(noise / values) - 1) < 0.001, `${rmse}`);
  t.true(sqnrDb > 10 && top1! > 0.9, `${sqnrDb} dB, ${top1}`);
});

test('scales that clip nearly everything have a low SQNR', async (t) => {
  const { opened, scales, heldOutBatches } = await calibrated('detectnet_v2');
  const good = await measureInt8Agreement(opened, scales, { batches: streamed(heldOutBatches) });
  const clipping = new Map([...scales].map(([name, scale]) => [name, scale / 50]));
  const bad = await measureInt8Agreement(opened, clipping, { batches: streamed(heldOutBatches) });
  t.true(good.sqnrDb > 20 && good.matchedCells! > 0.9, JSON.stringify(good));
  t.true(bad.sqnrDb < good.sqnrDb - 10 && bad.matchedCells! < good.matchedCells!, JSON.stringify(bad));
});

test('several scales are measured on one float pass, over all images and on each', async (t) => {
  const { opened, scales, heldOutBatches } = await calibrated('classifier');
  const alone = (chosen: typeof scales, batches: readonly Batch[]) =>
    measureInt8Agreement(opened, chosen, { batches: streamed(batches) });
  const clipping = new Map([...scales].map(([name, scale]) => [name, scale / 2]));
  const both = await measurePaired(opened, [scales, clipping], { batches: streamed(heldOutBatches) });
  const singles = heldOutBatches.flatMap(splitImages);
  for (const [i, chosen] of [scales, clipping].entries()) {
    t.deepEqual(both[i]!.whole, await alone(chosen, heldOutBatches));
    t.is(both[i]!.each.length, singles.length);
    for (const image of [0, 5])
      t.true(Math.abs(both[i]!.each[image]! - (await alone(chosen, [singles[image]!])).sqnrDb) < 0.01);
  }
});

test('the coverage output of a grid is found under any name and in any order', async (t) => {
  const { opened, scales, heldOutBatches } = await calibrated('detectnet_v2');
  const named = await measureInt8Agreement(opened, scales, { batches: streamed(heldOutBatches) });
  const other = {
    ...opened,
    model: withRenamedOutputs(opened.model),
    outputs: opened.outputs.map(rename).toReversed(),
  };
  const { matchedCells } = await measureInt8Agreement(other, scales, { batches: streamed(heldOutBatches) });
  t.true(matchedCells! > 0.9, `${matchedCells}`);
  t.is(matchedCells, named.matchedCells);
});

test('a graph with a fixed batch gets full batches, and too few held-out images give none', async (t) => {
  const { opened, heldOut } = await calibrated('classifier');
  const fixed = { ...opened, fixedBatch: 5 };
  const batches = await collect(batchHeldOut(fixed, heldOut)!);
  t.deepEqual(
    batches.map(({ dims }) => dims[0]),
    [5, 5, 5, 5, 5, 5],
  );
  t.is(batchHeldOut(fixed, heldOut.slice(0, 4)), undefined);
  t.is(batchHeldOut(opened, []), undefined);
});

test('the latency of both precisions is measured', async (t) => {
  const { opened, scales } = await calibrated('classifier');
  const latency = await measurePrecisionLatency(opened, scales, { clock: { now: () => performance.now() } });
  t.true(latency.floatMicroseconds > 10 && latency.int8Microseconds > 10, JSON.stringify(latency));
});

test('a comparison stops at a signal, between two batches', async (t) => {
  const { opened, scales, heldOutBatches } = await calibrated('classifier');
  const stop = new AbortController();
  const reason = new Error('stopped');
  let taken = 0;
  const watched = (async function* () {
    for await (const batch of streamed(heldOutBatches)) {
      if (++taken === 2) stop.abort(reason);
      yield batch;
    }
  })();
  const error = await t.throwsAsync(
    measureInt8Agreement(opened, scales, { batches: watched, signal: stop.signal }),
  );
  t.is(error, reason);
  t.is(taken, 2);
  const clock = { now: () => performance.now() };
  t.is(await t.throwsAsync(measurePrecisionLatency(opened, scales, { clock, signal: stop.signal })), reason);
});

test('threads have the next batch before the outputs of one are visited', async (t) => {
  const { opened, scales, heldOutBatches } = await calibrated('classifier');
  const events: string[] = [];
  let taken = 0;
  const batches = (async function* () {
    for await (const batch of streamed(heldOutBatches)) {
      events.push(`batch ${taken++}`);
      yield batch;
    }
  })();
  let visited = 0;
  const visit = () => void events.push(`visit ${visited++}`);
  await compareInt8(opened, [scales], { batches, visit });
  t.true(taken >= 3);
  t.is(visited, taken);
  t.true(events.indexOf('batch 1') < events.indexOf('visit 0'));
  t.true(events.indexOf('visit 0') < events.indexOf('batch 2'));
});

test('a comparison frees its batches', async (t) => {
  const { opened, scales, heldOutBatches } = await calibrated('classifier');
  const copies = await collect(streamed(heldOutBatches));
  t.true(copies.every(({ data }) => data.length > 0));
  await measureInt8Agreement(opened, scales, {
    batches: (async function* () {
      yield* copies;
    })(),
  });
  t.true(copies.every(({ data }) => data.length === 0));
});
