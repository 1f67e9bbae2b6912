/** The coverage rule for caches: what is missing, and why. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type OpenedModel, openModel } from '../../src/export/models/open-model.ts';
import { findGaps, requireCoverage } from '../../src/export/pipeline/coverage.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { int8Activations } from '../../src/graph/precision/calibration-graph.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { classifierWith, input } from '../builders/networks.ts';
import { aFolder } from '../builders/tool.ts';

const opened = async (model: ModelProto): Promise<OpenedModel> => {
  const path = join(aFolder(), 'model.onnx');
  writeFileSync(path, serializeModel(model));
  return openModel({ path, key: 'k', architecture: 'classification' });
};

const plain = (): ModelProto => classifierWith((network, from) => network.node('Relu', [network.conv(from)]));

test('a cache with scales for the input and for all tensors that int8 layers read is complete', async (t) => {
  const { model, ...rest } = await opened(plain());
  const needed = new Set([input, ...int8Activations(model)]);
  t.is(needed.size, 4);
  t.deepEqual(findGaps({ model, ...rest }, { has: (name) => needed.has(name) }), []);
});

test('a cache that lacks a scale is refused with the tensor and the reason', async (t) => {
  const model = await opened(plain());
  const [, lacking] = int8Activations(model.model);
  const error = t.throws(() => requireCoverage(model, { has: (name) => name !== lacking }), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'CacheIncomplete');
  t.true(
    error.message.includes(`no scale for 1 tensor that convolutions and matrix products read: ${lacking} (`),
  );
  t.regex(error.message, /no float values of it were counted.*⟨keepFloat⟩/);
});

test('a tensor of a layer kept in float is not a gap', async (t) => {
  const model = await opened(plain());
  const [first] = int8Activations(model.model);
  t.deepEqual(findGaps(model, { has: (name) => name !== first, keepFloat: [first!] }), []);
});

test('an empty cache is rejected, whatever the origin of its scales', async (t) => {
  const model = await opened(plain());
  for (const isTrained of [false, true])
    t.throws(() => requireCoverage(model, { has: () => false, isTrained }), {
      message: /Nothing was stored/,
    });
});

test('a tensor that training did not quantise is a gap with a warning, not an error', async (t) => {
  const model = await opened(plain());
  const needed = int8Activations(model.model);
  const covering = { has: (name: string) => name !== needed[1], isTrained: true };
  t.notThrows(() => requireCoverage(model, covering));
  t.deepEqual(findGaps(model, covering), [
    { tensor: needed[1]!, why: 'training did not quantise it', isExcused: true },
  ]);
});

test('tensors after a plugin node that only TensorRT can run cannot be measured, and the node is named', async (t) => {
  const model = await opened(
    classifierWith((network, from) => network.conv(network.node('Only_TRT', [from]))),
  );
  const measured = int8Activations(model.model).slice(0, 2);
  const gaps = findGaps(model, { has: (name) => measured.includes(name) });
  t.true(gaps.length > 0 && gaps.every(({ isExcused }) => isExcused));
  t.regex(gaps[0]!.why, /depends on Only_TRT, which only TensorRT can run/);
});
