/**
 * Specs of ssd, dssd, retinanet and yolo. Their data set and augmentation are detectnet_v2's in TLT 2.0 and their own
 * from 3.0 on; each message here holds the fields of both.
 */
import { all, bool, float, int32, map, message, repeated, string, uint32 } from '../schema.ts';
import { evalConfig, nmsConfig, trainingConfig } from './common.ts';
import { augmentationConfig, datasetConfig } from './detectnet.ts';

const source = message({
  ...all(string, 'label_directory_path image_directory_path root_path tfrecords_path'),
  source_weight: float,
});

/** `validation_fold` beside `validation_data_sources`: yolo has both. */
export const dataset = message(
  {
    ...datasetConfig.fields,
    data_sources: repeated(source),
    validation_data_sources: repeated(source),
    ...all(bool, 'include_difficult_in_training is_monochrome'),
    type: string,
  },
  ['validation_fold', 'validation_data_source'],
);

/** `augmentation_config` of ssd, dssd and retinanet. */
export const ssdAugmentation = message({
  ...augmentationConfig.fields,
  ...all(int32, 'output_width output_height output_channel brightness hue'),
  ...all(float, 'random_crop_min_scale random_crop_max_scale random_crop_min_ar random_crop_max_ar'),
  ...all(float, 'zoom_out_min_scale zoom_out_max_scale contrast saturation random_flip'),
  image_mean: map(float),
});

/** `augmentation_config` of yolo. */
export const yoloAugmentation = message({
  ...augmentationConfig.fields,
  ...all(float, 'hue saturation exposure vertical_flip horizontal_flip jitter'),
  ...all(int32, 'output_width output_height output_channel randomize_input_shape_period'),
  image_mean: map(float),
  output_depth: uint32,
});

const anchors = {
  ...all(string, 'aspect_ratios aspect_ratios_global scales steps variances offsets mean_color arch'),
  ...all(float, 'min_scale max_scale'),
  ...all(bool, 'two_boxes_for_ar1 clip_boxes freeze_bn'),
  nlayers: uint32,
  ...all(float, 'pos_iou_thresh neg_iou_thresh loss_loc_weight focal_loss_alpha focal_loss_gamma'),
} as const;

const ssdConfig = message({
  ...anchors,
  pred_num_channels: uint32,
  ...all(float, 'alpha neg_pos_ratio'),
  freeze_blocks: repeated(uint32),
});

const retinanetConfig = message({
  ...anchors,
  ...all(uint32, 'n_kernels feature_size n_anchor_levels'),
  freeze_blocks: repeated(float),
});

const yoloConfig = message({
  ...all(string, 'big_anchor_shape mid_anchor_shape small_anchor_shape arch'),
  ...all(float, 'matching_neutral_box_iou loss_loc_weight loss_neg_obj_weights loss_class_weights'),
  ...all(uint32, 'nlayers arch_conv_blocks'),
  freeze_blocks: repeated(float),
  ...all(bool, 'freeze_bn force_relu'),
});

const experiment = {
  random_seed: uint32,
  dataset_config: dataset,
  augmentation_config: ssdAugmentation,
  training_config: trainingConfig,
  eval_config: evalConfig,
  nms_config: nmsConfig,
} as const;

/** Schema of a spec of ssd. */
export const ssdSchema = message({ ...experiment, ssd_config: ssdConfig });
/** Schema of a spec of dssd. */
export const dssdSchema = message({ ...experiment, dssd_config: ssdConfig });
/** Schema of a spec of retinanet. */
export const retinanetSchema = message({
  ...experiment,
  retinanet_config: retinanetConfig,
  class_weighting_config: message({ class_weighting: map(float), enable_auto: bool }),
});
/** `yolo_config` is TLT 2.0's name of `yolov3_config`. */
export const yoloSchema = message({
  ...experiment,
  augmentation_config: yoloAugmentation,
  ...all(yoloConfig, 'yolov3_config yolo_config'),
});
