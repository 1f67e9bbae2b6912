/**
 * faster_rcnn's spec. Until TLT 2.0 the network is in `network_config`, and `training_config` holds everything else: the
 * data set, the augmentation, inference and evaluation. From TLT 3.0 on these are blocks of the top level.
 */
import { all, bool, enumeration, float, int32, map, message, repeated, string, uint32 } from '../schema.ts';
import { earlyStopping, visualizer } from './common.ts';
import { augmentationConfig, datasetConfig } from './detectnet.ts';

/** `input_image_config`: size, channels and normalisation of the input. */
export const inputImageConfig = message(
  {
    size_min: message({ min: uint32 }),
    size_height_width: message(all(uint32, 'height width')),
    image_channel_mean: map(float),
    image_scaling_factor: float,
    image_channel_order: string,
    image_type: enumeration('RGB', 'GRAY_SCALE'),
    max_objects_num_per_image: uint32,
  },
  ['size_min', 'size_height_width'],
);

const network = {
  input_image_config: inputImageConfig,
  anchor_box_config: message(all(repeated(float), 'scale ratio')),
  ...all(uint32, 'roi_mini_batch rpn_stride'),
  ...all(bool, 'freeze_bn rfcn_mode tf_proposal_layer all_projections use_pooling'),
  rpn_cls_activation_type: string,
  freeze_blocks: repeated(float),
  roi_pooling_config: message({ pool_size: uint32, pool_size_2x: bool }),
  ...all(float, 'dropout_rate drop_connect_rate'),
  activation: message({ activation_type: string, activation_parameters: map(float) }),
} as const;

const optimizer = message({
  adam: message({ ...all(float, 'lr beta_1 beta_2 epsilon decay'), amsgrad: bool }),
  sgd: message({ ...all(float, 'lr momentum decay'), nesterov: bool }),
  rmsprop: message({ lr: float }),
});

const learningRate = message({
  soft_start: message({
    ...all(float, 'base_lr start_lr soft_start annealing_divider'),
    annealing_points: repeated(float),
  }),
  step: message(all(float, 'base_lr gamma step_size')),
});

/** TLT 1.0 reads KITTI labels as they are: folders and numbered classes in place of TFRecords. */
const rawKitti = {
  ...all(string, 'images_dir labels_dir'),
} as const;

const nms = {
  ...all(uint32, 'rpn_pre_nms_top_N rpn_nms_max_boxes classifier_nms_max_boxes batch_size'),
  ...all(float, 'rpn_nms_overlap_threshold classifier_nms_overlap_threshold object_confidence_thres'),
  ...all(string, 'model labels_dump_dir'),
} as const;

/** TAO keeps `trt_engine` alone. */
const tensorRt = message({
  ...all(string, 'trt_engine trt_data_type'),
  max_workspace_size_MB: uint32,
  etlt_model: message(all(string, 'model calibration_cache')),
});

const inference = message({
  ...nms,
  ...all(string, 'images_dir detection_image_output_dir'),
  bbox_visualize_threshold: float,
  bbox_caption_on: bool,
  nms_score_bits: uint32,
  trt_inference: tensorRt,
});

const evaluation = message(
  {
    ...nms,
    ...all(bool, 'use_voc07_11point_metric visualize_pr_curve'),
    validation_period_during_training: uint32,
    trt_evaluation: tensorRt,
    gt_matching_iou_threshold_range: message(all(float, 'start end step')),
    gt_matching_iou_threshold: float,
    data_parser: string,
    ...all(message(rawKitti), 'dataset dataset_config'),
  },
  ['gt_matching_iou_threshold_range', 'gt_matching_iou_threshold'],
);

const trainingConfig = message({
  ...all(string, 'retrain_pruned_model pretrained_weights pretrained_model resume_from_model'),
  ...all(string, 'output_model output_weights training_data_parser'),
  class_mapping: map(int32),
  ...all(float, 'rpn_min_overlap rpn_max_overlap classifier_min_overlap classifier_max_overlap std_scaling'),
  classifier_regr_std: map(float),
  ...all(uint32, 'num_epochs rpn_nms_max_boxes rpn_pre_nms_top_N rpn_mini_batch batch_size_per_gpu'),
  checkpoint_interval: uint32,
  ...all(
    float,
    'rpn_nms_overlap_threshold lambda_rpn_regr lambda_rpn_class lambda_cls_regr lambda_cls_class',
  ),
  ...all(bool, 'gt_as_roi enable_augmentation enable_qat'),
  regularizer: message({ type: enumeration('NO_REG', 'L1', 'L2'), weight: float }),
  reg_config: message({ reg_type: string, weight_decay: float }),
  optimizer,
  ...all(learningRate, 'learning_rate lr_scheduler'),
  model_parallelism: repeated(float),
  early_stopping: earlyStopping,
  visualizer,
  kitti_data_config: message({ ...datasetConfig.fields, ...rawKitti }, [
    'validation_fold',
    'validation_data_source',
  ]),
  data_augmentation: message({ ...augmentationConfig.fields, use_augmentation: bool }),
  inference_config: inference,
  evaluation_config: evaluation,
});
/** Schema of a spec of faster_rcnn. */
export const fasterRcnnSchema = message({
  random_seed: uint32,
  verbose: bool,
  enc_key: string,
  model_config: message({ ...network, arch: string, use_bias: bool }),
  network_config: message({ ...network, feature_extractor: string, conv_bn_share_bias: bool }),
  training_config: trainingConfig,
  dataset_config: datasetConfig,
  augmentation_config: augmentationConfig,
  inference_config: inference,
  evaluation_config: evaluation,
});
