/**
 * What stands behind faster_rcnn's second stage: NMSDynamic_TRT with a box for each class and region. The background, last,
 * has no box of its own and gets the first class's, which the plugin never looks at. Names as in TAO's exporter.
 */
import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { add, type LayerScope } from '../layer.ts';
import type { Size, Value } from '../value.ts';
import { unexpectedSpec } from './detector.ts';
import { makeNmsAttributes } from './nms-attributes.ts';

/** [R, classes + 1] and [R, 4 · classes]. @throws UserError SpecInvalid */
export const requireClasses = (classes: Value, boxes: Value, wanted: number): void => {
  const [told, numbers]: readonly Size[] = [classes.shape[1], boxes.shape[1]];
  if (told !== wanted + 1 || numbers !== 4 * wanted)
    throw unexpectedSpec(
      `the model tells ${told} classes apart, the background one of them, and the spec maps to ${wanted} without it`,
    );
};

export type Regions = {
  readonly classes: Value;
  readonly boxes: Value;
  /** [N,R,4,1]: top, left, bottom, right as parts of the picture. */
  readonly rois: string;
};

export type RegionNms = {
  readonly plugin: PluginParameters;
  readonly postNmsTopN: number;
  /** What training multiplied the offsets x, y, width and height by. */
  readonly boxSpread: readonly number[];
};

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

type Shaped = { readonly as: string; readonly shape: readonly number[] };

const addReshape = (scope: LayerScope, tensor: string, { as, shape }: Shaped): string => {
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

/** The plugin wants left before top, and a second row that it does not look at. */
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
