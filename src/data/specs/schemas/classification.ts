/**
 * Classification's spec. Optimizer and learning rate are flat in TLT 2.0 and messages from 3.0 on. TLT 1.0 has
 * `conf_threshold`; `use_imagenet_head` of TLT 3.0 is `retain_head` in TAO.
 */
import { all, bool, either, enumeration, float, map, message, repeated, string, uint32 } from '../schema.ts';
import { visualizer } from './common.ts';

const modelConfig = message({
  ...all(string, 'arch input_image_size byom_model'),
  n_layers: uint32,
  ...all(bool, 'retain_head use_imagenet_head use_batch_norm use_bias use_pooling all_projections freeze_bn'),
  freeze_blocks: repeated(uint32),
  dropout: float,
  resize_interpolation_method: enumeration('BILINEAR', 'BICUBIC'),
  batch_norm_config: message(all(float, 'momentum epsilon')),
  activation: message({ activation_type: string, activation_parameters: map(float) }),
});

const optimizer = message({
  sgd: message({ ...all(float, 'lr decay momentum'), nesterov: bool }),
  adam: message(all(float, 'lr beta_1 beta_2 epsilon decay')),
  rmsprop: message(all(float, 'lr rho epsilon decay')),
});

const learningRate = message({
  step: message({ ...all(float, 'learning_rate gamma'), step_size: uint32 }),
  soft_anneal: message({
    ...all(float, 'learning_rate soft_start annealing_divider'),
    annealing_points: repeated(float),
  }),
  cosine: message(all(float, 'learning_rate min_lr_ratio soft_start')),
  ...all(string, 'scheduler annealing_points'),
  ...all(float, 'learning_rate soft_start annealing_divider gamma min_lr_ratio'),
  step_size: uint32,
});

const trainConfig = message({
  ...all(string, 'train_dataset_path val_dataset_path pretrained_model_path preprocess_mode'),
  optimizer: either(optimizer),
  ...all(uint32, 'batch_size_per_gpu n_epochs n_workers random_seed'),
  reg_config: message({ ...all(string, 'type scope'), weight_decay: float }),
  lr_config: learningRate,
  ...all(bool, 'enable_random_crop enable_center_crop enable_color_augmentation disable_horizontal_flip'),
  ...all(float, 'label_smoothing mixup_alpha'),
  model_parallelism: repeated(float),
  image_mean: map(float),
  visualizer,
});

/** Schema of a spec of classification. */
export const classificationSchema = message({
  model_config: modelConfig,
  train_config: trainConfig,
  eval_config: message({
    ...all(uint32, 'top_k batch_size n_workers'),
    ...all(string, 'eval_dataset_path model_path'),
    enable_center_crop: bool,
    conf_threshold: float,
  }),
});
