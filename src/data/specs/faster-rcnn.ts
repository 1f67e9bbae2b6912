/**
 * Reads the spec of faster_rcnn: data as in detectnet_v2; channel order, means and divisor from the spec, for values 0…255.
 */
import type { LoaderPlan } from '../datasets/plan.ts';
import type { ImageSize } from '../preprocessing/decode.ts';
import type { Preprocessing } from '../preprocessing/normalise.ts';
import { fasterRcnnValues } from '../preprocessing/values.ts';
import { readPictureSettings, readTfrecords } from './detectnet-data.ts';
import type { Notes } from './notes.ts';
import type { PluginParameters } from './plugin-parameters.ts';
import type { ReadSpec } from './read-spec.ts';
import { batchSizeOf, checkPixels, mappedClasses, meansOf, requireField, requireNumber } from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { fasterRcnnSchema, inputImageConfig } from './schemas/faster-rcnn.ts';

type Spec = MessageValue<typeof fasterRcnnSchema>;
type Input = MessageValue<typeof inputImageConfig>;
type Inference = NonNullable<Spec['inference_config']>;
type Network = NonNullable<Spec['network_config']> | NonNullable<Spec['model_config']>;

/** Whether the spec uses the block names and nesting of TLT 2.0. */
const isOfTlt2 = (spec: Spec): boolean =>
  spec.network_config !== undefined ||
  spec.training_config?.kitti_data_config !== undefined ||
  spec.training_config?.inference_config !== undefined;

/** Reads a decoded spec. */
export const readFasterRcnn = (spec: Spec, notes: Notes): ReadSpec => {
  const network = spec.network_config ?? requireField(spec, 'model_config', notes);
  const input = network && requireField(network, 'input_image_config', notes);
  const pixels = input && pixelsOf(input, notes);
  const mapped = mappedClasses(datasetOf(spec)?.target_class_mapping);
  return {
    family: isOfTlt2(spec) ? 'TLT 2.0' : 'TLT 3.0 or later',
    seed: spec.random_seed,
    classes: [...mapped, 'background'],
    imagePreprocessing: pixels && preprocessingOf(pixels),
    plugin:
      network && pluginOf(spec, { network, inference: inferenceOf(spec, notes), classes: mapped.length }),
    sides: input && sidesOf(input),
    plan: (found) => planOf(spec, { input, pixels, notes: found }),
  };
};

/**
 * `inference_config`, at the top level or (TLT 2.0) inside `training_config`. It configures the plugin nodes, so only one is
 * allowed.
 */
const inferenceOf = (spec: Spec, notes: Notes): Inference | undefined => {
  const inside = spec.training_config?.inference_config;
  if (inside && spec.inference_config)
    notes.add(spec, 'inference_config', {
      what: 'it is set twice, here and in training_config: keep the one that the model was exported with',
    });
  return spec.inference_config ?? inside;
};

const datasetOf = (spec: Spec) => spec.training_config?.kitti_data_config ?? spec.dataset_config;

type PixelRule = {
  readonly channels: 1 | 3;
  readonly order: 'RGB' | 'BGR';
  readonly mean: readonly number[];
  readonly scaling: number;
};

const preprocessingOf = ({ order, mean, scaling }: PixelRule): Preprocessing => ({
  order,
  mean,
  scale: 1 / scaling,
});

const orders = { rgb: ['r', 'g', 'b'], bgr: ['b', 'g', 'r'], l: ['l'] } as const;

const pixelsOf = (input: Input, notes: Notes): PixelRule | undefined => {
  const channels = input.image_type === 'GRAY_SCALE' ? 1 : 3;
  const named = (input.image_channel_order ?? (channels === 1 ? 'l' : '')) as keyof typeof orders;
  const allowed = channels === 1 ? ['l'] : ['rgb', 'bgr'];
  const scaling = requireNumber(input, 'image_scaling_factor', { notes, min: Number.MIN_VALUE });
  if (!allowed.includes(named)) {
    notes.add(input, 'image_channel_order', {
      what: `it must be ${allowed.join(' or ')} for this image_type`,
    });
    return undefined;
  }
  const mean = meansOf(input, 'image_channel_mean', { keys: orders[named], notes });
  if (mean === undefined) notes.add(input, 'image_channel_mean', { what: 'required field is missing' });
  return mean && scaling ? { channels, order: named === 'bgr' ? 'BGR' : 'RGB', mean, scaling } : undefined;
};

type Parts = {
  readonly input: Input | undefined;
  readonly pixels: PixelRule | undefined;
  readonly notes: Notes;
};

const planOf = (spec: Spec, { input, pixels, notes }: Parts): LoaderPlan | undefined => {
  const training = requireField(spec, 'training_config', notes);
  const old = isOfTlt2(spec);
  const dataset =
    old && training
      ? requireField(training, 'kitti_data_config', notes)
      : requireField(spec, 'dataset_config', notes);
  const augmentation =
    old && training
      ? requireField(training, 'data_augmentation', notes)
      : requireField(spec, 'augmentation_config', notes);
  const records = dataset && readTfrecords(dataset, notes);
  const picture = augmentation && readPictureSettings(augmentation, { notes, multipleOf: 1 });
  const batchSize = batchSizeOf(training, notes);
  const size = input && pixels && sizeOf(input, pixels.channels, notes);
  if (size && picture && `${Object.values(picture.size)}` !== `${Object.values(size)}`)
    notes.add(augmentation, 'preprocessing', {
      what: `its output is ${sizeText(picture.size)}, but the network input is ${sizeText(size)}: they must be equal`,
    });
  if (!records || !picture || !batchSize || !size || !pixels) return undefined;
  return { ...records, ...picture, batchSize, values: fasterRcnnValues(pixels) };
};

const sizeText = ({ width, height, channels }: ImageSize): string => `${width} × ${height} × ${channels}`;

/** Input size of the network. Calibration needs a fixed size, because all images of a batch have the same size. */
const sizeOf = (input: Input, channels: 1 | 3, notes: Notes): ImageSize | undefined => {
  const given = requireField(input, 'size_height_width', notes);
  if (!given) return undefined;
  const bounds = { notes, min: 160, max: 16384 };
  const width = requireNumber(given, 'width', bounds);
  const height = requireNumber(given, 'height', bounds);
  const fits = width && height && checkPixels(given, 'height', { width, height, notes });
  return fits ? { width, height, channels } : undefined;
};

const sidesOf = ({ size_height_width: size }: Input) => {
  const { height, width } = size ?? {};
  return height && width ? { height, width } : undefined;
};

const boxSpreadOf = ({ training_config: training }: Spec): readonly number[] => {
  const spread = training?.classifier_regr_std;
  return ['x', 'y', 'w', 'h'].flatMap((key) => spread?.get(key) ?? []);
};

type Inferring = {
  readonly network: Network;
  readonly inference: Inference | undefined;
  /** Number of classes without the background. */
  readonly classes: number;
};

/** Plugin parameters; undefined if the spec lacks a field that inference needs. */
const pluginOf = (spec: Spec, { network, inference, classes }: Inferring): PluginParameters | undefined => {
  const { rpn_pre_nms_top_N: preNmsTopN, rpn_nms_max_boxes: postNmsTopN } = inference ?? {};
  const { rpn_nms_overlap_threshold: proposalIou, classifier_nms_overlap_threshold: iou } = inference ?? {};
  const keepTopK = inference?.classifier_nms_max_boxes;
  if (!preNmsTopN || !postNmsTopN || proposalIou === undefined || iou === undefined || !keepTopK)
    return undefined;
  const pool = network.roi_pooling_config;
  return {
    scoreThreshold: inference?.object_confidence_thres ?? 0,
    iouThreshold: iou,
    topK: postNmsTopN,
    keepTopK,
    classes,
    scoreBits: inference?.nms_score_bits ?? 0,
    proposal: {
      preNmsTopN,
      postNmsTopN,
      iouThreshold: proposalIou,
      anchorSizes: network.anchor_box_config?.scale ?? [],
      anchorRatios: network.anchor_box_config?.ratio ?? [],
      cropSize: (pool?.pool_size ?? 0) * (pool?.pool_size_2x ? 2 : 1),
      stride: network.rpn_stride || 16,
      boxSpread: boxSpreadOf(spec),
    },
  };
};
