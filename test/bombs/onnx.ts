/** ONNX models of a few hundred bytes that allocate gigabytes or never end. Each looks like an image classifier. */
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../src/formats/onnx/generated/onnx_pb.ts';
import { makeGraph, makeModel, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { serializeModel } from '../../src/formats/onnx/model.ts';
import { makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';

type Parts = {
  readonly nodes: readonly NodeProto[];
  readonly initializers?: readonly TensorProto[];
  readonly input?: readonly number[];
};

/** `input_1` → `predictions/Softmax`, as in classification models; the nodes compute `bomb` from `mean`. */
const classifier = ({ nodes, initializers = [], input = [1, 3, 32, 32] }: Parts): Uint8Array =>
  serializeModel(
    makeModel({
      name: 'bomb',
      opset: 13,
      inputs: [makeValueInfo('input_1', elementType.float32, input)],
      outputs: [makeValueInfo('predictions/Softmax', elementType.float32, [1, 1])],
      initializers: [...initializers, tensorFromInt64s('flat', [2], [1, 1])],
      nodes: [
        makeNode('ReduceMean', { name: 'mean', inputs: ['input_1'], outputs: ['mean'] }),
        ...nodes,
        makeNode('ReduceMax', { name: 'most', inputs: ['bomb'], outputs: ['most'] }),
        makeNode('Reshape', { name: 'shaped', inputs: ['most', 'flat'], outputs: ['shaped'] }),
        makeNode('Softmax', { name: 'end', inputs: ['shaped'], outputs: ['predictions/Softmax'] }),
      ],
    }),
  );

const shape = (...sizes: readonly number[]): TensorProto => tensorFromInt64s('shape', [sizes.length], sizes);
const makeBombNode = (opType: string, ...inputs: readonly string[]): NodeProto =>
  makeNode(opType, { name: 'makes', inputs, outputs: ['bomb'] });

const scalars = (...values: readonly number[]): TensorProto[] =>
  values.map((value, i) => tensorFromFloats(`s${i}`, [], Float32Array.of(value)));

/** The body computes its condition with the nodes `condition`, from `cond_in` and the iteration number. */
const loop = (trips: number, condition: readonly NodeProto[]): Uint8Array => {
  const body = makeGraph({
    name: 'body',
    inputs: [
      makeValueInfo('trip', elementType.int64, []),
      makeValueInfo('cond_in', elementType.bool, []),
      makeValueInfo('value', elementType.float32, undefined),
    ],
    outputs: [
      makeValueInfo('cond_out', elementType.bool, []),
      makeValueInfo('next', elementType.float32, undefined),
    ],
    nodes: [...condition, makeNode('Add', { name: 'adds', inputs: ['value', 'value'], outputs: ['next'] })],
  });
  return classifier({
    initializers: [tensorFromInt64s('trips', [], [trips])],
    nodes: [
      makeNode('Loop', {
        name: 'makes',
        inputs: ['trips', '', 'mean'],
        outputs: ['bomb'],
        attributes: { body: { graph: body } },
      }),
    ],
  });
};

/** Bombs that can be detected in the graph without running it. */
export const statedBombs: Readonly<Record<string, () => Uint8Array>> = {
  'ConstantOfShape of 8 GiB': () =>
    classifier({
      initializers: [shape(2 ** 16, 2 ** 15)],
      nodes: [makeBombNode('ConstantOfShape', 'shape')],
    }),
  'Expand to 8 GiB': () =>
    classifier({
      initializers: [shape(1, 2, 2 ** 15, 2 ** 15)],
      nodes: [makeBombNode('Expand', 'mean', 'shape')],
    }),
  'Tile to 8 GiB': () =>
    classifier({
      initializers: [shape(1, 2, 2 ** 15, 2 ** 15)],
      nodes: [makeBombNode('Tile', 'mean', 'shape')],
    }),
  'Range of 2·10^12': () =>
    classifier({ initializers: scalars(0, 2e12, 1), nodes: [makeBombNode('Range', 's0', 's1', 's2')] }),
  'Pad to 8 GiB': () =>
    classifier({
      initializers: [shape(0, 0, 2 ** 15, 2 ** 15, 0, 0, 2 ** 15, 2 ** 15)],
      nodes: [makeBombNode('Pad', 'input_1', 'shape')],
    }),
  'Loop of 2^53 trips': () =>
    loop(2 ** 53 - 1, [makeNode('Identity', { name: 'same', inputs: ['cond_in'], outputs: ['cond_out'] })]),
  'input of 30,000 × 30,000': () =>
    classifier({ input: [1, 3, 30_000, 30_000], nodes: [makeBombNode('Identity', 'mean')] }),
  'input of 2^31 rows': () =>
    classifier({ input: [1, 3, 2 ** 31, 1], nodes: [makeBombNode('Identity', 'mean')] }),
  'batch of 2^40': () =>
    classifier({ input: [2 ** 40, 3, 32, 32], nodes: [makeBombNode('Identity', 'mean')] }),
};

/** A loop whose end depends on its values, and never comes. */
export const loopWithoutEnd = (): Uint8Array =>
  loop(2 ** 53 - 1, [
    makeNode('Cast', {
      name: 'number',
      inputs: ['trip'],
      outputs: ['number'],
      attributes: { to: { int: elementType.float32 } },
    }),
    makeNode('IsNaN', { name: 'nan', inputs: ['number'], outputs: ['nan'] }),
    makeNode('Not', { name: 'more', inputs: ['nan'], outputs: ['cond_out'] }),
  ]);

/** A tensor of 16 GiB whose shape is computed from the image, so shape inference cannot know it. */
export const shapeFromImage = (): Uint8Array =>
  classifier({
    initializers: [
      tensorFromFloats('zero', [], Float32Array.of(0)),
      tensorFromFloats('side', [2], Float32Array.of(2 ** 16, 2 ** 16)),
      tensorFromInt64s('single', [1], [1]),
    ],
    nodes: [
      makeNode('Mul', { name: 'none', inputs: ['mean', 'zero'], outputs: ['none'] }),
      makeNode('Reshape', { name: 'one', inputs: ['none', 'single'], outputs: ['one'] }),
      makeNode('Add', { name: 'sides', inputs: ['one', 'side'], outputs: ['sides'] }),
      makeNode('Cast', { name: 'whole', inputs: ['sides'], outputs: ['whole'], attributes: int64 }),
      makeBombNode('ConstantOfShape', 'whole'),
    ],
  });

const int64 = { to: { int: elementType.int64 } };
