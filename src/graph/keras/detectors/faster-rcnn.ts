/**
 * faster_rcnn, whose training graph differs from the exported one: it takes ground truth, and ProposalTarget samples
 * its regions. The exported graph has two networks, from image to feature map and from each region of the map to class
 * and box, with TensorRT's plugins between and after them: ProposalDynamic, CropAndResizeDynamic, NMSDynamic_TRT. Their
 * parameters are those of the spec for inference. arXiv 1506.01497.
 */
import { elementType } from '../../../formats/onnx/element-type.ts';
import { makeValueInfo } from '../../../formats/onnx/graph.ts';
import type { TensorRanges } from '../../../formats/scales/tensor-scales.ts';
import { Config } from '../config.ts';
import type { GraphBuilder } from '../graph-builder.ts';
import { rearrange } from '../layer.ts';
import { removePackage } from '../layers/table.ts';
import type { LayerSpec, Network, TensorRef } from '../network.ts';
import { makeRegionsValue } from '../regions.ts';
import { imageOrder, sizesInOrder, type Value } from '../value.ts';
import { findOutput, unexpectedNetwork, unexpectedSpec } from './detector.ts';
import type { End } from './end.ts';
import { intAttributes } from './nms-attributes.ts';
import { addRegionNms, requireClasses } from './region-nms.ts';
import { type RegionParameters, requireRegionParameters } from './region-parameters.ts';

/** The end of faster_rcnn. @throws UserError ModelUnsupported, SpecInvalid */
export const fasterRcnnEnd: End = (network, { graph, detector, enter, convert }) => {
  const parameters = requireRegionParameters(detector);
  const [proposal, crop] = [findSoleLayer(network, 'Proposal'), findSoleLayer(network, 'CropAndResize')];
  const first = { ...network, inputs: [findOutput(network, 'input_image')], outputs: heads(proposal, crop) };
  const inputs = enter(first);
  const one = convert(first, inputs);
  const [features, scores, offsets] = one.outputs.map((value) => image(graph, value)) as [
    Value,
    Value,
    Value,
  ];
  requireAnchors(scores, parameters);
  const spread = configOf(proposal).number('std_scaling', 1) || 1;
  addProposal(graph, { ...parameters, sides: sizesInOrder(inputs[0]!).slice(1) as number[] }, [
    scores.name,
    scaleDown(graph, offsets.name, spread),
  ]);
  const second = { ...startAt(network, crop), outputs: tails.map((name) => findOutput(network, name)) };
  const two = convert(second, [regionsOf(graph, features, { crop, count: parameters.postNmsTopN })]);
  const [classes, boxes] = two.outputs as [Value, Value];
  requireClasses(classes, boxes, detector.plugin.classes);
  addRegionNms(graph, { classes, boxes, rois }, { plugin: detector.plugin, ...parameters });
  return { inputs, outputs: ports, parts: [one, { ...two, ranges: addCropRange(two.ranges, crop) }] };
};

const rois = 'proposal_out';
const tails = ['dense_class_td', 'dense_regress_td'];
const ports = ['nms_out', 'nms_out_1'].map((name) => makeValueInfo(name, elementType.float32, undefined));

const findSoleLayer = ({ layers }: Network, className: string): LayerSpec => {
  const [found, ...more] = [...layers.values()].filter(
    (layer) => removePackage(layer.className) === className,
  );
  if (found && more.length === 0 && found.calls.length === 1) return found;
  throw unexpectedNetwork(`it does not have exactly one ${className}`);
};

const configOf = ({ name, className, config }: LayerSpec): Config =>
  new Config(config, { path: name, className });

/** The feature map, and the first stage's scores and offsets of anchors. */
const heads = (proposal: LayerSpec, crop: LayerSpec): readonly TensorRef[] => {
  const [features] = crop.calls[0]!;
  const [scores, offsets] = proposal.calls[0]!;
  if (!features || !scores || !offsets) throw unexpectedNetwork('its Proposal or CropAndResize lacks inputs');
  return [features, scores, offsets];
};

const cropNameOf = ({ name }: LayerSpec): string => `${name}/Reshape_1`;
const imagesOf = ({ name }: LayerSpec): string => `${name}/regions`;

/** The crops have the range of the second network's input. */
const addCropRange = (ranges: TensorRanges, crop: LayerSpec): TensorRanges => {
  const range = ranges.get(imagesOf(crop));
  return range === undefined ? ranges : new Map([[cropNameOf(crop), range], ...ranges]);
};

const image = (graph: GraphBuilder, value: Value): Value => {
  if (value.shape.length !== 3) throw unexpectedNetwork('the inputs of its Proposal are not maps');
  return rearrange({ graph, scope: value.name }, value, imageOrder(true));
};

const requireAnchors = ({ shape }: Value, { anchorSizes, anchorRatios }: RegionParameters): void => {
  const anchors = anchorSizes.length * anchorRatios.length;
  if (shape[0] !== anchors)
    throw unexpectedSpec(
      `the model has ${shape[0]} anchors per cell; the spec's ${anchorSizes.length} sizes and ${anchorRatios.length} ratios make ${anchors}`,
    );
};

/** Divides the offsets by the factor that training multiplied them with; the plugin expects them unscaled. */
const scaleDown = (graph: GraphBuilder, offsets: string, spread: number): string => {
  if (spread === 1) return offsets;
  const factor = graph.floats('proposal_1/factor', [], Float32Array.of(1 / spread));
  return graph.node('Mul', { inputs: [offsets, factor], output: 'proposal_1/mul' });
};

type ProposalOptions = RegionParameters & { readonly sides: readonly number[] };

const addProposal = (graph: GraphBuilder, options: ProposalOptions, inputs: readonly string[]): void => {
  const [height = 0, width = 0] = options.sides;
  graph.plugin('ProposalDynamic', {
    name: 'proposal',
    inputs,
    outputs: [rois],
    attributes: {
      ...intAttributes({ input_height: height, input_width: width, rpn_stride: options.stride }),
      ...intAttributes({ pre_nms_top_n: options.preNmsTopN, post_nms_top_n: options.postNmsTopN }),
      roi_min_size: { float: 1 },
      nms_iou_threshold: { float: options.iouThreshold },
      anchor_sizes: { floats: options.anchorSizes },
      anchor_ratios: { floats: options.anchorRatios },
    },
  });
};

type CropOptions = { readonly crop: LayerSpec; readonly count: number };

/** Crops of the feature map, as additional items of the batch. */
const regionsOf = (graph: GraphBuilder, features: Value, { crop, count }: CropOptions): Value => {
  const [channels] = features.shape;
  const size = configOf(crop).count('pool_size');
  if (channels === undefined) throw unexpectedNetwork('the number of channels of its feature map is free');
  const crops = cropNameOf(crop);
  graph.plugin('CropAndResizeDynamic', {
    name: 'CropAndResize_plugin',
    inputs: [features.name, rois],
    outputs: [crops],
    attributes: intAttributes({ crop_height: size, crop_width: size }),
  });
  const shape = graph.integers(`${imagesOf(crop)}/shape`, [-1, channels, size, size]);
  const name = graph.node('Reshape', { inputs: [crops, shape], output: imagesOf(crop) });
  return makeRegionsValue(name, [count, channels, size, size]);
};

/** The network that starts at this layer's output. */
const startAt = (network: Network, { name, ...layer }: LayerSpec): Network => ({
  ...network,
  layers: new Map([...network.layers, [name, { ...layer, name, calls: [[]] }]]),
  inputs: [{ layer: name, call: 0, tensor: 0 }],
});
