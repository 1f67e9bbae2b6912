/** When the graph of int8 engines is compared with the exported one: only if preparing it for Q/DQ pairs changed it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openModel } from '../../src/export/models/open-model.ts';
import { requireSameFunction } from '../../src/export/pipeline/graph-check.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { prepareForQdq } from '../../src/graph/precision/qdq.ts';
import { channels, classifierWith, type Network } from '../builders/networks.ts';
import { aFolder } from '../builders/tool.ts';

const convolution = (network: Network, from: string): string => network.conv(from);

const withNorm = (network: Network, from: string): string => {
  const each = (value: number) => network.floats([channels], Array(channels).fill(value));
  return network.node('BatchNormalization', [network.conv(from), each(0.5), each(0.1), each(0), each(2)]);
};

const check = async (model: ModelProto) => {
  const path = join(aFolder(), 'model.onnx');
  writeFileSync(path, serializeModel(model));
  const opened = await openModel({ path, key: 'k', architecture: 'classification' });
  const { signal } = new AbortController();
  const note = await requireSameFunction(opened, { dataType: 'int8', heldOut: [], signal });
  return { note, isOneGraph: prepareForQdq(opened.model) === opened.model };
};

test('nothing to fold or to raise: the graphs are one, and nothing is compared', async (t) => {
  t.deepEqual(await check(classifierWith(convolution)), { note: undefined, isOneGraph: true });
});

for (const [what, model] of Object.entries({
  'a batch norm': classifierWith(withNorm),
  'an older operator set': classifierWith(convolution, { opset: 11 }),
}))
  test(`${what} makes another graph, which is compared`, async (t) => {
    const { note, isOneGraph } = await check(model);
    t.false(isOneGraph);
    t.deepEqual(note, {
      isWarning: false,
      text: 'Compared with the given model on 4 synthetic images, because there are no held-out images, and equal: the graph of int8 engines before rounding',
    });
  });
