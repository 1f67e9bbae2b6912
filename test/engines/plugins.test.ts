/** TensorRT's detection plugins as ONNX operators, compared with NumPy programs that compute the same box by box. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { ModelProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import {
  copyWith,
  elementTypeOf,
  graphOf,
  makeModel,
  makeUntypedValueInfo,
} from '../../src/formats/onnx/graph.ts';
import { parseModel, readModelFile, serializeModel } from '../../src/formats/onnx/model.ts';
import { makeAttribute, makeNode } from '../../src/formats/onnx/node.ts';
import { floatsOf } from '../../src/formats/onnx/tensor.ts';
import { parseTensor } from '../../src/formats/onnx/tensor-file.ts';
import { type FloatTensor, openSession } from '../../src/graph/inference/session.ts';
import { lowerPlugins } from '../../src/graph/plugins/lower.ts';
import type { Suppression } from '../../src/graph/plugins/suppression.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { runPeer } from '../peers/venv.ts';

type Case = {
  readonly name: string;
  readonly folder: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
};
let cases: readonly Case[];

test.before(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-plugins-'));
  cases = (await runPeer('plugin_reference.py', [folder])) as Case[];
});

const stored = (folder: string, name: string): FloatTensor => {
  const tensor = parseTensor(readFileSync(join(folder, `${name}.pb`)));
  return { data: floatsOf(tensor), dims: tensor.dims.map(Number) };
};

/** Counts are int32, and sessions return floats: adds a Cast after each. */
const withFloatOutputs = (model: ModelProto): ModelProto => {
  const graph = graphOf(model);
  const counts = graph.output.filter((value) => elementTypeOf(value) === elementType.int32);
  const casts = counts.map(({ name }) =>
    makeNode('Cast', {
      inputs: [name],
      outputs: [`${name}/float`],
      attributes: { to: { int: elementType.float32 } },
    }),
  );
  const outputs = casts.map(({ output }) => makeUntypedValueInfo(output[0]!));
  return copyWith(model, {
    graph: copyWith(graph, { node: [...graph.node, ...casts], output: [...graph.output, ...outputs] }),
  });
};

const run = async (each: Case, how: Suppression): Promise<Record<string, FloatTensor>> => {
  const lowered = lowerPlugins(await readModelFile(join(each.folder, 'model.onnx')), how);
  const graph = serializeModel(withFloatOutputs(lowered));
  const session = await openSession(graph, { optimisation: 'disabled' }); // a single run is faster than optimising
  const feeds = Object.fromEntries(each.inputs.map((name) => [name, stored(each.folder, name)]));
  const outputs = await session.run(feeds);
  await session.release();
  return outputs;
};

const compare = (t: ExecutionContext, each: Case, outputs: Record<string, FloatTensor>): void => {
  for (const name of each.outputs) {
    const expected = stored(each.folder, name);
    const found = outputs[`${name}/float`] ?? outputs[name]!;
    const about = `${each.name}: ${name}`;
    t.deepEqual(found.dims, expected.dims, about);
    const far = found.data.findIndex(
      (value, i) => !(Math.abs(value - expected.data[i]!) <= 2e-5 + 1e-5 * Math.abs(expected.data[i]!)),
    );
    t.is(far, -1, `${about} at ${far}: ${found.data[far]}, and ${expected.data[far]} is right`);
  }
};

const agrees = test.macro<[string, Suppression]>({
  title: (_, what, how) => `${what} as ONNX operators equals the plugin (${how})`,
  exec: async (t, what, how) => {
    const those = cases.filter(({ name }) => name.startsWith(what));
    t.true(those.length >= 8);
    for (const each of those) compare(t, each, await run(each, how));
  },
});

for (const how of ['NonMaxSuppression', 'Loop'] as const)
  for (const what of ['nms', 'yolo', 'proposals']) test(agrees, what, how);
test(agrees, 'crops', 'Loop');

test('these cases find, drop and truncate enough boxes to show a difference', (t) => {
  const counts = cases
    .filter(({ name }) => name.startsWith('nms'))
    .map(({ folder }) => stored(folder, 'NMS_1').data);
  t.true(counts.filter((each) => each.every((count) => count > 3)).length > 10);
  t.true(counts.some((each) => each.every((count) => count === 0)));
  t.true(counts.some((each) => each.every((count) => count === 3)));
});

test("onnx's checker accepts the graphs, shape inference included", async (t) => {
  const paths = ['nms random 0', 'yolo random 0', 'proposals random 0', 'crops random 0'].flatMap((name) => {
    const { folder } = cases.find((each) => each.name === name)!;
    const model = parseModel(readFileSync(join(folder, 'model.onnx')));
    return (['NonMaxSuppression', 'Loop'] as const).map((how) => {
      const path = join(folder, `${how}.onnx`);
      writeFileSync(path, serializeModel(lowerPlugins(model, how)));
      return path;
    });
  });
  const checked = (await runPeer('check_onnx.py', paths)) as [number, number][];
  t.is(checked.length, paths.length);
  t.true(checked.every(([opset]) => opset === 13 || opset === 16));
});

type Refusal = {
  readonly attribute: readonly [string, number];
  readonly reason: 'EngineUnsupported' | 'ModelInvalid';
  readonly says: RegExp;
};

const refuses = test.macro<[string, Refusal]>({
  title: (title) => `refused: ${title}`,
  exec: (t, name, { attribute: [key, int], reason, says }) => {
    const model = parseModel(
      readFileSync(join(cases.find((each) => each.name === name)!.folder, 'model.onnx')),
    );
    const [node] = graphOf(model).node;
    const attribute = [...node!.attribute.filter((each) => each.name !== key), makeAttribute(key, { int })];
    const changed = copyWith(model, {
      graph: copyWith(graphOf(model), { node: [copyWith(node!, { attribute })] }),
    });
    const error = t.throws(() => lowerPlugins(changed, 'Loop'));
    t.like(error, { reason });
    t.regex(error.message, says);
  },
});

test('boxes in pixels, whose overlap the plugin computes differently', refuses, 'nms random 0', {
  attribute: ['isNormalized', 0],
  reason: 'EngineUnsupported',
  says: /NMSDynamic_TRT.*in pixels.*backend TensorRt/s,
});
test('more candidates than the plugin takes', refuses, 'yolo random 0', {
  attribute: ['topK', 5000],
  reason: 'EngineUnsupported',
  says: /topK is 5000, and the maximum is 4096/,
});
test('more proposals than TensorRT for RTX sorts', refuses, 'proposals random 0', {
  attribute: ['pre_nms_top_n', 6000],
  reason: 'EngineUnsupported',
  says: /pre_nms_top_n is 6000.*3840.*backend TensorRt/s,
});
test('arbitrary attributes and inputs lead to a graph or a typed error', (t) => {
  const names = [
    'keepTopK',
    'topK',
    'numClasses',
    'codeType',
    'inputOrder',
    'pre_nms_top_n',
    'post_nms_top_n',
  ];
  const value = fc.oneof(
    fc.integer().map((int) => ({ int })),
    fc.array(fc.integer(), { maxLength: 4 }).map((ints) => ({ ints })),
    fc.float().map((float) => ({ float })),
  );
  const ports = fc.array(fc.constantFrom('', 'x', 'y', 'z'), { maxLength: 4 });
  const node = fc.record({
    opType: fc.constantFrom(
      'NMSDynamic_TRT',
      'BatchedNMSDynamic_TRT',
      'ProposalDynamic',
      'CropAndResizeDynamic',
      'A_TRT',
    ),
    inputs: ports,
    outputs: ports,
    attributes: fc.dictionary(fc.constantFrom(...names, 'crop_height', 'crop_width', 'anchor_sizes'), value),
  });
  fc.assert(
    fc.property(node, ({ opType, ...parts }) => {
      const model = makeModel({
        name: 'any',
        inputs: [],
        outputs: [],
        nodes: [makeNode(opType, parts)],
        opset: 13,
      });
      try {
        serializeModel(lowerPlugins(model, 'NonMaxSuppression'));
      } catch (thrown) {
        if (!(thrown instanceof UserError)) throw thrown;
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('an invalid count', refuses, 'nms random 0', {
  attribute: ['keepTopK', 0],
  reason: 'ModelInvalid',
  says: /keepTopK is 0/,
});
