/** Messages of detectnet_v2's spec; its data set and augmentation serve other modules too. */
import { all, bool, enumeration, float, int32, map, message, repeated, string, uint32 } from '../schema.ts';
import { costScaling, regularizer, softStartAnnealing, trackers } from './common.ts';

/** `data_sources` and `validation_data_source` of TFRecords. */
export const dataSource = message({
  ...all(string, 'tfrecords_path image_directory_path'),
  source_weight: float,
});

/** `dataset_config`, also of faster_rcnn. */
export const datasetConfig = message(
  {
    data_sources: repeated(dataSource),
    image_extension: string,
    target_class_mapping: map(string),
    validation_fold: uint32,
    validation_data_source: dataSource,
    dataloader_mode: enumeration('MULTISOURCE', 'LEGACY', 'DEFAULT'),
    sampling_mode: enumeration('USER_DEFINED', 'PROPORTIONAL', 'UNIFORM'),
  },
  ['validation_fold', 'validation_data_source'],
);

/** `preprocessing`, also of the SSD family in TLT 2.0. */
export const preprocessing = message({
  ...all(uint32, 'output_image_width output_image_height output_image_channel'),
  ...all(uint32, 'output_image_min output_image_max crop_left crop_top crop_right crop_bottom'),
  ...all(float, 'min_bbox_width min_bbox_height scale_width scale_height'),
  enable_auto_resize: bool,
});

/** `augmentation_config`, also of faster_rcnn. */
export const augmentationConfig = message({
  preprocessing,
  spatial_augmentation: message(
    all(
      float,
      'hflip_probability vflip_probability zoom_min zoom_max translate_max_x translate_max_y rotate_rad_max rotate_probability',
    ),
  ),
  color_augmentation: message(
    all(float, 'color_shift_stddev hue_rotation_max saturation_shift_max contrast_scale_max contrast_center'),
  ),
});

/** `dbscan_min_samples` is an integer by name, and TLT 2.0's own specs write 0.05. */
const clustering = message({
  coverage_threshold: float,
  ...all(int32, 'minimum_bounding_box_height neighborhood_size'),
  clustering_algorithm: enumeration('DBSCAN', 'NMS', 'HYBRID'),
  ...all(float, 'dbscan_eps dbscan_min_samples dbscan_confidence_threshold'),
  ...all(float, 'nms_iou_threshold nms_confidence_threshold'),
});

const postprocessing = message({
  target_class_config: map(
    message({
      clustering_config: clustering,
      confidence_config: message({
        confidence_threshold: float,
        ...all(string, 'confidence_model_filename normalization_mode'),
      }),
    }),
  ),
});

const modelConfig = message({
  ...all(string, 'pretrained_model_file arch'),
  ...all(bool, 'freeze_pretrained_layers allow_loaded_model_modification use_pooling use_batch_norm'),
  ...all(bool, 'freeze_bn load_graph all_projections'),
  num_layers: int32,
  dropout_rate: float,
  activation: message({ activation_type: string, activation_parameters: map(float) }),
  objective_set: message({
    bbox: message({ input: string, ...all(float, 'scale offset') }),
    cov: message({ input: string }),
  }),
  training_precision: message({ backend_floatx: enumeration('FLOAT32', 'FLOAT16', 'INVALID') }),
  freeze_blocks: repeated(float),
});

const evaluationConfig = message({
  ...all(uint32, 'validation_period_during_training first_validation_epoch early_stopping_patience_steps'),
  minimum_detection_ground_truth_overlap: map(float),
  evaluation_box_config: map(
    message(all(int32, 'minimum_height maximum_height minimum_width maximum_width')),
  ),
  average_precision_mode: enumeration('SAMPLE', 'INTEGRATE'),
});

const costFunctionConfig = message({
  target_classes: repeated(
    message({
      name: string,
      ...all(float, 'class_weight coverage_foreground_weight'),
      objectives: repeated(message({ name: string, ...all(float, 'initial_weight weight_target') })),
    }),
  ),
  enable_autoweighting: bool,
  ...all(float, 'max_objective_weight min_objective_weight'),
});

const earlyStoppingAnnealing = message({
  ...all(float, 'min_learning_rate max_learning_rate'),
  ...all(uint32, 'soft_start_epochs annealing_epochs patience_steps'),
});

const trainingConfig = message({
  ...all(uint32, 'batch_size_per_gpu num_epochs checkpoint_interval'),
  learning_rate: message({
    soft_start_annealing_schedule: softStartAnnealing,
    early_stopping_annealing_schedule: earlyStoppingAnnealing,
  }),
  regularizer,
  optimizer: message({ adam: message(all(float, 'epsilon beta1 beta2')) }),
  cost_scaling: costScaling,
  enable_qat: bool,
  visualizer: message({
    enabled: bool,
    ...all(uint32, 'num_images scalar_logging_frequency infrequent_logging_frequency'),
    target_class_config: map(message({ coverage_threshold: float })),
    ...trackers,
  }),
});

const labelFilters = message({
  objective_label_filter_configs: repeated(
    message({
      label_filter: message({
        bbox_dimensions_label_filter: message(all(float, 'min_width min_height max_width max_height')),
        bbox_crop_label_filter: message(all(float, 'crop_left crop_right crop_top crop_bottom')),
        source_class_label_filter: message({ source_class_names: repeated(string) }),
      }),
      ...all(repeated(string), 'target_class_names objective_names'),
    }),
  ),
  mask_multiplier: float,
  preserve_ground_truth: bool,
});

const kittiConfig = message({
  ...all(string, 'root_directory_path image_dir_name label_dir_name point_clouds_dir calibrations_dir'),
  ...all(string, 'kitti_sequence_to_frames_file image_extension partition_mode'),
  ...all(uint32, 'num_partitions num_shards'),
  val_split: float,
});

const datasetExport = message({
  kitti_config: kittiConfig,
  coco_config: message({
    root_directory_path: string,
    ...all(repeated(string), 'img_dir_names annotation_files'),
    num_partitions: uint32,
    num_shards: repeated(uint32),
  }),
  sample_modifier_config: message({
    ...all(repeated(string), 'filter_samples_containing_only dominant_target_classes'),
    minimum_target_class_imbalance: map(float),
    ...all(uint32, 'num_duplicates max_training_samples'),
    source_to_target_class_mapping: map(string),
  }),
  image_directory_path: string,
  target_class_mapping: map(string),
});

/** Schema of a spec of detectnet_v2. */
export const detectnetSchema = message({
  random_seed: uint32,
  dataset_config: datasetConfig,
  augmentation_config: augmentationConfig,
  postprocessing_config: postprocessing,
  model_config: modelConfig,
  evaluation_config: evaluationConfig,
  cost_function_config: costFunctionConfig,
  training_config: trainingConfig,
  bbox_rasterizer_config: message({
    target_class_config: map(
      message(all(float, 'cov_center_x cov_center_y cov_radius_x cov_radius_y bbox_min_radius')),
    ),
    deadzone_radius: float,
  }),
  loss_mask_label_filter: labelFilters,
  dataset_export_config: repeated(datasetExport),
});
