/** int8 compared with float once, for the accuracy gate, the report and the engine. */
import test from 'ava';
import { compareWithFloat } from '../../src/export/pipeline/comparison.ts';
import { measureInt8Agreement } from '../../src/export/pipeline/verify-int8.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { calibrated } from '../builders/calibrated-models.ts';
import { splitImages } from '../builders/split-images.ts';
import { streamed } from '../builders/streamed.ts';

const { signal } = new AbortController();

test('the outputs of float are kept image by image, as many as are wanted', async (t) => {
  const { opened, scales, heldOut, heldOutBatches } = await calibrated('classifier');
  const { agreement, float, fault } = await compareWithFloat(opened, { scales, heldOut, kept: 6, signal });
  t.is(fault, undefined);
  t.deepEqual(agreement, await measureInt8Agreement(opened, scales, { batches: streamed(heldOutBatches) }));
  t.is(float.length, 6);
  const session = await openSession(serializeModel(opened.model));
  const images = heldOutBatches.flatMap(splitImages);
  for (const [i, outputs] of float.entries()) {
    const wanted = await session.run({ [opened.input]: images[i]! });
    t.deepEqual(Object.keys(outputs), Object.keys(wanted));
    for (const [name, { data, dims: shape }] of Object.entries(outputs)) {
      t.deepEqual(shape, wanted[name]!.dims);
      t.true(data.every((value, at) => Math.abs(value - wanted[name]!.data[at]!) < 1e-5));
    }
  }
  await session.release();
});

test('nothing is compared without held-out images', async (t) => {
  const { opened, scales } = await calibrated('classifier');
  t.deepEqual(await compareWithFloat(opened, { scales, heldOut: [], kept: 6, signal }), {
    agreement: undefined,
    fault: undefined,
    float: [],
  });
});

test('why graphs cannot be compared is part of the result, and a signal is an error', async (t) => {
  const { opened, scales, heldOut } = await calibrated('classifier');
  const other = { ...opened, input: 'nothing' };
  const { agreement, fault, float } = await compareWithFloat(other, { scales, heldOut, kept: 6, signal });
  t.is(agreement, undefined);
  t.is(fault?.reason, 'ModelUnsupported');
  t.deepEqual(float, []);
  const stopped = AbortSignal.abort(new Error('stopped'));
  await t.throwsAsync(compareWithFloat(opened, { scales, heldOut, kept: 6, signal: stopped }), {
    message: 'stopped',
  });
});
