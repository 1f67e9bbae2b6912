/** Sensitivity on a real detector, compared with the gain of keeping layers in float. */
import test from 'ava';
import { openModel } from '../../src/export/models/open-model.ts';
import {
  countWorthwhile,
  measureSensitivity,
  sensitivityText,
} from '../../src/export/pipeline/sensitivity.ts';
import { batchHeldOut, measureInt8Agreement } from '../../src/export/pipeline/verify-int8.ts';
import { removeFloatScales } from '../../src/graph/precision/float-layers.ts';
import { calibrateOn, nobodyWatches } from '../builders/calibrated.ts';
import { modelFile } from '../models/models.ts';
import { photosFolder } from '../photos/photos.ts';

const architecture = 'detectnet_v2';

const calibration = async () => {
  const opened = await openModel({ path: modelFile(architecture), key: 'none', architecture });
  const source = { kind: 'Images', folder: await photosFolder() } as const;
  const { scales, heldOut } = await calibrateOn(opened, { source, batchSize: 8, algorithm: 'Mse' });
  return { opened, scales, heldOut: heldOut.slice(0, 8) };
};

const once = calibration();
const calibrated = () => once;

test('noise of single layers adds up to the noise of all, and the suggestion matches the measurement', async (t) => {
  const { opened, scales, heldOut } = await calibrated();
  const steps: [number, number][] = [];
  const costs = await measureSensitivity(opened, {
    scales,
    heldOut,
    watch: { ...nobodyWatches, progress: (done, total) => void steps.push([done, total]) },
  });
  t.is(costs.images, 8);
  t.deepEqual(
    costs.layers.map(({ sqnrDb }) => sqnrDb),
    costs.layers.map(({ sqnrDb }) => sqnrDb).sort((a, b) => a - b),
  );
  const added = -10 * Math.log10(costs.layers.reduce((sum, { sqnrDb }) => sum + 10 ** (-sqnrDb / 10), 0));
  t.true(Math.abs(added - costs.sqnrDb) < 1.5, `added up ${added} dB, all together ${costs.sqnrDb} dB`);
  const agreement = async (keepFloat: readonly string[]) => {
    const batches = batchHeldOut(opened, heldOut)!;
    return measureInt8Agreement(opened, removeFloatScales(opened.model, scales, keepFloat), { batches });
  };
  t.is((await agreement([])).sqnrDb, costs.sqnrDb);
  const { keepFloat, sqnrDb } = costs.advice!;
  t.is((await agreement(keepFloat)).sqnrDb, sqnrDb);
  t.true(sqnrDb > costs.sqnrDb + 1, `${costs.sqnrDb} → ${sqnrDb} dB`);
  t.regex(
    sensitivityText(costs),
    /^Worst layers, each alone in int8: .*, and \d+\.\d dB with .* kept in float/,
  );
  t.is(steps.at(-1)![0], steps.at(-1)![1]);
});

test('the comparison of layers stops at a signal, and needs an image', async (t) => {
  const { opened, scales, heldOut } = await calibrated();
  const stop = new AbortController();
  const reason = new Error('stopped');
  let steps = 0;
  const progress = () => {
    if (++steps === 3) stop.abort(reason);
  };
  const error = await t.throwsAsync(
    measureSensitivity(opened, { scales, heldOut, watch: { progress, signal: stop.signal } }),
  );
  t.is(error, reason);
  t.is(steps, 3);
  await t.throwsAsync(measureSensitivity(opened, { scales, heldOut: [], watch: nobodyWatches }), {
    message: /none is left to compare on/,
  });
});

test('the suggestion has the fewest layers that give nearly all of the gain', (t) => {
  t.is(countWorthwhile(20, [20.2, 20.9]), 0);
  t.is(countWorthwhile(20, [21.2, 21.9, 21.8]), 1);
  t.is(countWorthwhile(20, [20.5, 23, 25, 25.5]), 3);
  t.is(countWorthwhile(20, []), 0);
});
