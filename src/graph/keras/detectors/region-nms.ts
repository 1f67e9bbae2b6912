/**
 * The end after faster_rcnn's second stage: NMSDynamic_TRT with a box per class and region. The background, the last
 * class, has no box and gets the first class's, which the plugin ignores. Names as in TAO's exporter.
 */
import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { add, type LayerScope } from '../layer.ts';
import type { Size, Value } from '../value.ts';
import { unexpectedSpec } from './detector.ts';
import { makeNmsAttributes } from './nms-attributes.ts';

/** Requires [R, classes + 1] and [R, 4 · classes]. @throws UserError SpecInvalid */
export const requireClasses = (classes: Value, boxes: Value, wanted: number): void => {
  const [found, numbers]: readonly Size[] = [classes.shape[1], boxes.shape[1]];
  if (found !== wanted + 1 || numbers !== 4 * wanted)
    throw unexpectedSpec(
      `the model has ${found} classes including the background, and the spec maps to ${wanted} without it`,
    );
};

/** Tensors of the second stage. */
export type Regions = {
  readonly classes: Value;
  readonly boxes: Value;
  /** [N,R,4,1]: top, left, bottom, right as fractions of the image. */
  readonly rois: string;
};

/** Parameters of the suppression. */
export type RegionNms = {
  readonly plugin: PluginParameters;
  readonly postNmsTopN: number;
  /** Factors by which training multiplied the offsets x, y, width and height. */
  readonly boxSpread: readonly number[];
};

/** Adds the plugin node and the tensors it reads. */
export const addRegionNms = (graph: GraphBuilder, regions: Regions, options: RegionNms): void => {
  const scope: LayerScope = { graph, scope: 'nms_inputs_1' };
  const { classes } = options.plugin;
  const inputs = [
    priorData(scope, regions.rois),
    locData(scope, regions.boxes.name, options),
    addReshape(scope, regions.classes.name, {
      as: 'conf_data',
      shape: [-1, options.postNmsTopN * (classes + 1), 1, 1],
    }),
  ];
  graph.plugin('NMSDynamic_TRT', {
    name: 'NMS',
    inputs,
    outputs: ['nms_out', 'nms_out_1'],
    attributes: makeNmsAttributes(options.plugin, {
      shareLocation: 0,
      varianceEncodedInTarget: 1,
      backgroundLabelId: classes,
      confSigmoid: 0,
    }),
  });
};

type NamedShape = { readonly as: string; readonly shape: readonly number[] };

const addReshape = (scope: LayerScope, tensor: string, { as, shape }: NamedShape): string => {
  const sizes = scope.graph.integers(`${scope.scope}/${as}/shape`, shape);
  return add(scope, 'Reshape', { inputs: [tensor, sizes], as });
};

const locData = (scope: LayerScope, boxes: string, { plugin, postNmsTopN, boxSpread }: RegionNms): string => {
  const { graph, scope: prefix } = scope;
  const each = addReshape(scope, boxes, { as: 'Reshape', shape: [-1, postNmsTopN, plugin.classes, 4] });
  const factors = Float32Array.from(boxSpread, (spread) => 1 / spread);
  const scaled = add(scope, 'Mul', {
    inputs: [each, graph.floats(`${prefix}/factors`, [4], factors)],
    as: 'mul',
  });
  const bounds = [0, 1, 2].map((value) => graph.integers(`${prefix}/first`, [value]));
  const background = add(scope, 'Slice', { inputs: [scaled, ...bounds], as: 'strided_slice' });
  const whole = add(scope, 'Concat', {
    inputs: [scaled, background],
    as: 'concat',
    attributes: { axis: { int: 2 } },
  });
  return addReshape(scope, whole, { as: 'loc_data', shape: [0, -1, 1, 1] });
};

/** The plugin expects left before top, and a second row that it ignores. */
const priorData = (scope: LayerScope, rois: string): string => {
  const order = scope.graph.integers(`${scope.scope}/order`, [1, 0, 3, 2]);
  const turned = add(scope, 'Gather', {
    inputs: [rois, order],
    as: 'GatherV2',
    attributes: { axis: { int: 2 } },
  });
  const row = addReshape(scope, turned, { as: 'rois', shape: [0, 1, -1, 1] });
  return add(scope, 'Concat', { inputs: [row, row], as: 'prior_data', attributes: { axis: { int: 1 } } });
};
