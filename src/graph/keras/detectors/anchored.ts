/**
 * The end of ssd, dssd and retinanet. Training outputs one tensor of classes, offsets and anchors (`ssd_predictions`);
 * the exported graph passes the three separately to NMSDynamic_TRT, with the anchors as a constant. Names as in TAO's
 * exporter: loc_data and conf_data [N, … ,1,1], anchor_data [N,2,P·4,1] (boxes, then variances).
 */
import { elementType } from '../../../formats/onnx/element-type.ts';
import { makeValueInfo } from '../../../formats/onnx/graph.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { rearrange, repeatForEachItem } from '../layer.ts';
import { plainOrder, type Value } from '../value.ts';
import { type Detector, findOutput, unexpectedNetwork, unexpectedSpec } from './detector.ts';
import type { End } from './end.ts';
import { makeNmsAttributes } from './nms-attributes.ts';

type AnchoredOptions = {
  /** Layer whose output is the scores input of the plugin. */
  readonly scores: string;
  /** Whether the plugin applies a sigmoid to the scores. */
  readonly confSigmoid: 0 | 1;
};

/** The network contains the softmax of ssd, but not the sigmoid of retinanet. */
export const ssdEnd: AnchoredOptions = { scores: 'mbox_conf_softmax', confSigmoid: 0 };
/** Scores before the sigmoid, which the plugin applies. */
export const retinanetEnd: AnchoredOptions = { scores: 'mbox_conf', confSigmoid: 1 };

/** Makes the end of a detector with anchors. @throws UserError ModelUnsupported, SpecInvalid */
export const makeAnchoredEnd =
  ({ scores, confSigmoid }: AnchoredOptions): End =>
  (network, { graph, detector, enter, convert }) => {
    const outputs = ['mbox_loc', scores, 'mbox_priorbox'].map((name) => findOutput(network, name));
    const cut = { ...network, outputs };
    const inputs = enter(cut);
    const part = convert(cut, inputs);
    const [loc, conf, anchors] = part.outputs as [Value, Value, Value];
    requirePredictionShapes({ loc, conf, anchors }, detector);
    const prior = priorOf(graph, loc, anchors);
    graph.plugin('NMSDynamic_TRT', {
      name: 'NMS',
      inputs: [prior, flatten(graph, loc, 'loc_data'), flatten(graph, conf, 'conf_data')],
      outputs: detections,
      attributes: makeNmsAttributes(detector.plugin, {
        shareLocation: 1,
        varianceEncodedInTarget: 0,
        backgroundLabelId: 0,
        confSigmoid,
      }),
    });
    const ports = detections.map((name) => makeValueInfo(name, elementType.float32, undefined));
    return { inputs, outputs: ports, parts: [part] };
  };

const detections = ['NMS', 'NMS_1'];

type Predictions = { readonly loc: Value; readonly conf: Value; readonly anchors: Value };

/** Requires [P,1,4], [P,1,classes] and [P,1,8]. */
const requirePredictionShapes = ({ loc, conf, anchors }: Predictions, { plugin }: Detector): void => {
  const shapes = [loc, conf, anchors].map(({ shape }) => `(${shape.join(', ')})`);
  const [count] = loc.shape;
  const classes = conf.shape[2];
  const fits = [loc, conf, anchors].every(({ shape }) => shape.length === 3 && shape[0] === count);
  if (!fits || loc.shape[2] !== 4 || anchors.shape[2] !== 8)
    throw unexpectedNetwork(`its mbox_loc, scores and mbox_priorbox have the shapes ${shapes.join(', ')}`);
  if (classes !== plugin.classes + 1)
    throw unexpectedSpec(
      `the model has ${classes} classes including the background, and the spec maps to ${plugin.classes} without it`,
    );
};

const flatten = (graph: GraphBuilder, value: Value, output: string): string => {
  const { name } = rearrange({ graph, scope: output }, value, plainOrder(value.shape.length));
  const shape = graph.integers(`${output}/shape`, [0, -1, 1, 1]);
  return graph.node('Reshape', { inputs: [name, shape], output });
};

/** Reorders rows of box and variances into all boxes, then all variances. @throws UserError ModelUnsupported */
const priorOf = (graph: GraphBuilder, like: Value, anchors: Value): string => {
  const rows = graph.itemOf(anchors.name);
  if (!rows) throw unexpectedNetwork('its mbox_priorbox depends on images');
  const half = rows.length / 2;
  const values = rows.map((_, i) => rows[Math.floor((i % half) / 4) * 8 + (i % 4) + (i < half ? 0 : 4)]!);
  return repeatForEachItem({ graph, scope: 'anchors' }, like.name, {
    as: 'data',
    shape: [2, half, 1],
    values,
  });
};
