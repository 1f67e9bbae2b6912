/** Which names trained ranges get, by architecture. */
import test from 'ava';
import { writeTensorScales } from '../../src/formats/scales/tensor-scales.ts';
import { nameRanges } from '../../src/graph/precision/qat-names.ts';
import type { Architecture } from '../../src/ground/contract/architectures.ts';

type Case = {
  readonly architecture: Architecture;
  readonly trained: Readonly<Record<string, number>>;
  /** Tensors of the final graph; all trained ones if omitted. */
  readonly graph?: readonly string[];
  readonly cache: Readonly<Record<string, number>>;
  readonly json?: Readonly<Record<string, number>>;
};

const names = test.macro({
  title: (title) => `${title}`,
  exec: (t, { architecture, trained, graph, cache, json = cache }: Case) => {
    const tensors = new Set(graph ?? Object.keys(trained));
    const named = nameRanges(new Map(Object.entries(trained)), { architecture, input: 'Input', tensors });
    t.deepEqual(Object.fromEntries(named.cache), cache);
    t.deepEqual(Object.fromEntries(named.json), json);
  },
});

test('detectnet_v2 keeps every name', names, {
  architecture: 'detectnet_v2',
  trained: { 'input_1:0': 1, 'block/Pad:0': 2 },
  cache: { 'input_1:0': 1, 'block/Pad:0': 2 },
});
test('the cache of a classifier has the names of its graph, the JSON has names without ports', names, {
  architecture: 'classification',
  trained: { 'a:0': 1, 'b:0': 2 },
  graph: ['a:0', 'b'],
  cache: { 'a:0': 1, b: 2 },
  json: { a: 1, b: 2 },
});
for (const architecture of ['ssd', 'dssd', 'yolo'] as const)
  test(`${architecture}: the input has one name, and padding is omitted`, names, {
    architecture,
    trained: { 'Input/read:0': 2, 'Input:0': 3, 'conv1/Pad:0': 4, 'conv1/Relu:0': 5 },
    graph: ['Input', 'conv1/Relu:0'],
    cache: { Input: 3, 'conv1/Relu:0': 5 },
  });
test('a tensor with the word Input in its name keeps its range', names, {
  architecture: 'ssd',
  trained: { Input: 1, 'Input_branch/Relu': 9 },
  cache: { Input: 1, 'Input_branch/Relu': 9 },
});
test('retinanet: upsampled tensors have the name of their layer, two of them only in the JSON', names, {
  architecture: 'retinanet',
  trained: { 'P5_upsampled/x:0': 1, 'P4_upsampled/y:0': 2, 'upsample_3/z:0': 3, 'c/Pad:0': 4, 'd:0': 5 },
  graph: ['upsample_3', 'd:0'],
  cache: { upsample_3: 3, 'd:0': 5 },
  json: { P5_upsampled: 1, P4_upsampled: 2, upsample_3: 3, 'd:0': 5 },
});
test('faster_rcnn: only tensors of the final graph have ranges', names, {
  architecture: 'faster_rcnn',
  trained: { 'a:0': 1, 'gone:0': 2 },
  graph: ['a:0'],
  cache: { 'a:0': 1 },
});

test("the JSON has TAO's format, with ranges instead of scales", (t) => {
  const text = writeTensorScales(new Map([['input_1:0', 1.5]]));
  t.is(text, '{\n    "tensor_scales": {\n        "input_1:0": 1.5\n    }\n}\n');
});
