/**
 * The end of yolo. Training outputs rows of anchor and prediction (`encoded_detections`); the exported graph passes
 * boxes and scores to BatchedNMSDynamic_TRT, under the names of TAO's exporter. YOLOv3, arXiv 1804.02767:
 * centre = cell + σ(t) · step, size = anchor · exp(t), score = σ(class) · σ(object).
 */
import { elementType } from '../../../formats/onnx/element-type.ts';
import { makeValueInfo } from '../../../formats/onnx/graph.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { add, type LayerScope, reshape } from '../layer.ts';
import { removePackage } from '../layers/table.ts';
import type { Network, TensorRef } from '../network.ts';
import type { Value } from '../value.ts';
import { unexpectedNetwork, unexpectedSpec } from './detector.ts';
import type { End } from './end.ts';
import { intAttributes } from './nms-attributes.ts';

/** The end of yolo. @throws UserError ModelUnsupported, SpecInvalid */
export const yoloEnd: End = (network, { graph, detector: { plugin }, enter, convert }) => {
  const rows = rowsOf(network);
  const cut = {
    ...network,
    outputs: [...rows.map(([anchor]) => anchor), ...rows.map(([, predictions]) => predictions)],
  };
  const inputs = enter(cut);
  const part = convert(cut, inputs);
  const [anchors, predictions] = [part.outputs.slice(0, rows.length), part.outputs.slice(rows.length)];
  requireClasses(predictions, plugin.classes);
  const all = add({ graph, scope: 'encoded_detections' }, 'Concat', {
    inputs: predictions.map(({ name }) => name),
    as: 'concat',
    attributes: { axis: { int: 1 } },
  });
  graph.plugin('BatchedNMSDynamic_TRT', {
    name: 'BatchedNMS_N',
    inputs: [
      boxesOf(graph, all, itemsOf(graph, anchors)),
      scoresOf(graph, all, { classes: plugin.classes, rows: rowCount(predictions) }),
    ],
    outputs: ports.map(({ name }) => name),
    attributes: {
      ...intAttributes({ shareLocation: 1, backgroundLabelId: -1, clipBoxes: 1, isNormalized: 1 }),
      ...intAttributes({ topK: plugin.topK, keepTopK: plugin.keepTopK, numClasses: plugin.classes }),
      ...intAttributes({ scoreBits: plugin.scoreBits }),
      scoreThreshold: { float: plugin.scoreThreshold },
      iouThreshold: { float: plugin.iouThreshold },
    },
  });
  return { inputs, outputs: ports, parts: [part] };
};

const { float32, int32 } = elementType;
/** Count, boxes, scores, classes. */
const ports = [
  makeValueInfo('BatchedNMS', int32, undefined),
  ...['BatchedNMS_1', 'BatchedNMS_2', 'BatchedNMS_3'].map((name) => makeValueInfo(name, float32, undefined)),
];

type Row = readonly [anchor: TensorRef, predictions: TensorRef];

/** The network ends in the rows of all maps, each of which joins anchors and predictions. */
const rowsOf = (network: Network): readonly Row[] => {
  const takenBy = ({ layer, call }: TensorRef): readonly TensorRef[] =>
    network.layers.get(layer)?.calls[call] ?? [];
  const classOf = ({ layer }: TensorRef) => removePackage(network.layers.get(layer)?.className ?? '');
  const rows = network.outputs.flatMap(takenBy).map(takenBy);
  const isRow = (row: readonly TensorRef[]): row is Row =>
    row.length === 2 && classOf(row[0]!) === 'YOLOAnchorBox';
  if (rows.length > 0 && rows.every(isRow)) return rows;
  throw unexpectedNetwork('its output does not join rows that begin with a YOLOAnchorBox');
};

const requireClasses = (predictions: readonly Value[], classes: number): void => {
  const other = predictions.find(({ shape }) => shape.length !== 2 || shape[1] !== classes + 5);
  if (other)
    throw unexpectedSpec(
      `the model predicts ${other.shape[1]} numbers per anchor; the ${classes} classes of the spec require ${classes + 5}`,
    );
};

const rowCount = (predictions: readonly Value[]): number =>
  predictions.reduce((sum, { shape }) => sum + shape[0]!, 0);

/** Rows of y, x, height, width, step y, step x. @throws UserError ModelUnsupported */
const itemsOf = (graph: GraphBuilder, anchors: readonly Value[]): readonly number[][] => {
  const items = anchors.map(({ name }) => graph.itemOf(name) ?? new Float32Array());
  const rows = items.flatMap((item) =>
    Array.from({ length: item.length / 6 }, (_, row) => [...item.subarray(6 * row, 6 * row + 6)]),
  );
  if (rows.length === 0) throw unexpectedNetwork('its anchors depend on images');
  return rows;
};

const columns = (box: LayerScope, all: string, [from, to]: readonly [number, number]): string => {
  const bounds = [from, to, 2].map((each) => box.graph.integers(`${box.scope}/${from}-${to}`, [each]));
  return add(box, 'Slice', { inputs: [all, ...bounds], as: 'strided_slice' });
};

/** [N,P,1,4]: left, top, right, bottom as fractions of the image. */
const boxesOf = (graph: GraphBuilder, all: string, anchors: readonly number[][]): string => {
  const box: LayerScope = { graph, scope: 'box' };
  const constant = (name: string, [x, y]: readonly [number, number]) => {
    const values = Float32Array.from(anchors.flatMap((row) => [row[x]!, row[y]!]));
    return graph.floats(`box/${name}`, [1, anchors.length, 2], values);
  };
  const multiply = (a: string, b: string) => add(box, 'Mul', { inputs: [a, b], as: 'mul' });
  const predictions = add(box, 'Gather', {
    inputs: [columns(box, all, [0, 4]), graph.integers('box/xy', [1, 0, 3, 2])],
    as: 'GatherV2',
    attributes: { axis: { int: 2 } },
  });
  const place = add(box, 'Sigmoid', { inputs: [columns(box, predictions, [0, 2])], as: 'Sigmoid' });
  const growth = add(box, 'Exp', { inputs: [columns(box, predictions, [2, 4])], as: 'Exp' });
  const moved = multiply(place, constant('step', [5, 4]));
  const middle = add(box, 'Add', { inputs: [moved, constant('cell', [1, 0])], as: 'add' });
  const half = multiply(growth, graph.floats('box/half', [1, anchors.length, 2], halfSides(anchors)));
  const low = add(box, 'Sub', { inputs: [middle, half], as: 'sub' });
  const corners = [low, add(box, 'Add', { inputs: [middle, half], as: 'add' })];
  const joined = add(box, 'Concat', { inputs: corners, as: 'concat', attributes: { axis: { int: 2 } } });
  return reshape(box, joined, [anchors.length, 1, 4], 'concat_concat');
};

const halfSides = (anchors: readonly number[][]): Float32Array =>
  Float32Array.from(anchors.flatMap(([, , height, width]) => [width! / 2, height! / 2]));

type Scores = { readonly classes: number; readonly rows: number };

/** [N,P,classes,1] */
const scoresOf = (graph: GraphBuilder, all: string, { classes, rows }: Scores): string => {
  const cls: LayerScope = { graph, scope: 'cls' };
  const [object, label] = [columns(cls, all, [4, 5]), columns(cls, all, [5, 5 + classes])].map((each) =>
    add(cls, 'Sigmoid', { inputs: [each], as: 'Sigmoid' }),
  ) as [string, string];
  const product = add(cls, 'Mul', { inputs: [label, object], as: 'product' });
  return reshape(cls, product, [rows, classes, 1], 'mul');
};
