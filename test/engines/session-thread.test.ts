/** Sessions in other threads: they give what a session of this thread gives, and the same errors. */
import test from 'ava';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import { makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt8s } from '../../src/formats/onnx/tensor.ts';
import { openSession } from '../../src/graph/inference/session.ts';
import { withSessionThreads } from '../../src/graph/inference/session-thread.ts';

/** y = x rounded to a step of 0.1, within ±12.7. */
const rounding = () =>
  makeModel({
    name: 'rounding',
    opset: 13,
    inputs: [makeValueInfo('x', elementType.float32, ['N', 4])],
    outputs: [makeValueInfo('y', elementType.float32, ['N', 4])],
    initializers: [
      tensorFromFloats('step', [], Float32Array.of(0.1)),
      tensorFromInt8s('zero', [], new Int8Array(1)),
    ],
    nodes: [
      makeNode('QuantizeLinear', { inputs: ['x', 'step', 'zero'], outputs: ['q'] }),
      makeNode('DequantizeLinear', { inputs: ['q', 'step', 'zero'], outputs: ['y'] }),
    ],
  });

const bytes = () => serializeModel(rounding()) as Uint8Array<ArrayBuffer>;
const feeds = { x: { data: Float32Array.of(0.14, -0.16, 100, 0), dims: [1, 4] } };

test('a thread gives the outputs of a session, and keeps nothing of its caller', async (t) => {
  const session = await openSession(bytes());
  const wanted = await session.run(feeds);
  await session.release();
  const outputs = await withSessionThreads(2, async (threads) => {
    for (const thread of threads) await thread.open(bytes(), { threads: 1, roundsInFloat: true });
    return Promise.all(threads.map((thread) => thread.run(feeds)));
  });
  t.deepEqual(outputs, [wanted, wanted]);
  t.deepEqual([...feeds.x.data], [...Float32Array.of(0.14, -0.16, 100, 0)]);
});

test('a thread opens one model after the other, and is used again', async (t) => {
  const found = await withSessionThreads(1, async ([thread]) => {
    await thread!.open(bytes(), { threads: 1 });
    await thread!.open(bytes(), { threads: 1 });
    return [thread, await thread!.run(feeds)] as const;
  });
  t.deepEqual([...found[1].y!.data], [...Float32Array.of(0.1, -0.2, 12.7, 0)]);
  t.is(await withSessionThreads(1, async ([thread]) => thread), found[0]);
});

test('inputs that cannot be sent are refused, and the thread answers the next request', async (t) => {
  await withSessionThreads(1, async ([thread]) => {
    await thread!.open(bytes(), { threads: 1 });
    const data = new Float32Array(4);
    data.buffer.transfer(0);
    await t.throwsAsync(thread!.run({ x: { data, dims: [1, 4] } }), { name: 'DataCloneError' });
    t.deepEqual((await thread!.run(feeds)).y!.dims, [1, 4]);
  });
});

test('a damaged model, and inputs that do not fit, have the reasons of a session', async (t) => {
  await withSessionThreads(1, async ([thread]) => {
    const damaged = bytes().slice(0, 40);
    const { reason } = await t.throwsAsync<Error & { reason: string }>(thread!.open(damaged, {}));
    t.is(reason, 'ModelInvalid');
    await thread!.open(bytes(), { threads: 1 });
    const wrong = { x: { data: new Float32Array(3), dims: [1, 3] } };
    const refused = await t.throwsAsync<Error & { reason: string }>(thread!.run(wrong));
    t.is(refused.reason, 'ModelUnsupported');
    t.deepEqual((await thread!.run(feeds)).y!.dims, [1, 4]);
  });
});
