/** Spec messages shared by several modules. */
import { all, bool, enumeration, float, message, repeated, string, uint32 } from '../schema.ts';

/** `cost_scaling`. Doubles in the original; the values are not used. */
export const costScaling = message({
  enabled: bool,
  ...all(float, 'initial_exponent increment decrement'),
});

/** Experiment trackers that a visualizer can write to. */
export const trackers = {
  wandb_config: message({
    ...all(bool, 'enabled reinit'),
    ...all(string, 'key project entity name wandb_dir notes'),
    tags: repeated(string),
    mode: enumeration('ONLINE', 'OFFLINE', 'DISABLED'),
  }),
  clearml_config: message({
    ...all(string, 'project task'),
    tags: repeated(string),
    ...all(bool, 'reuse_last_task_id continue_last_task deferred_init'),
  }),
} as const;

/** `visualizer`. */
export const visualizer = message({
  ...all(bool, 'enabled weight_histograms'),
  num_images: uint32,
  ...trackers,
});

/** `regularizer`. */
export const regularizer = message({ type: enumeration('NO_REG', 'L1', 'L2'), weight: float });

/** `soft_start_annealing_schedule`. */
export const softStartAnnealing = message(
  all(float, 'min_learning_rate max_learning_rate soft_start annealing'),
);

/** `early_stopping`. */
export const earlyStopping = message({ monitor: string, min_delta: float, patience: uint32 });

/** `training_config` of ssd, dssd, retinanet and yolo. */
export const trainingConfig = message({
  ...all(uint32, 'batch_size_per_gpu num_epochs checkpoint_interval max_queue_size n_workers'),
  learning_rate: message({
    soft_start_annealing_schedule: softStartAnnealing,
    soft_start_cosine_annealing_schedule: message(
      all(float, 'max_learning_rate soft_start min_learning_rate'),
    ),
  }),
  regularizer,
  optimizer: message({
    adam: message({ ...all(float, 'epsilon beta1 beta2'), amsgrad: bool }),
    sgd: message({ momentum: float, nesterov: bool }),
    rmsprop: message({ ...all(float, 'rho momentum epsilon'), centered: bool }),
  }),
  cost_scaling: costScaling,
  ...all(bool, 'enable_qat use_multiprocessing model_ema'),
  ...all(string, 'resume_model_path pretrain_model_path pruned_model_path'),
  early_stopping: earlyStopping,
  visualizer,
});

/** `nms_config` of ssd, dssd, retinanet and yolo. */
export const nmsConfig = message({
  ...all(float, 'confidence_threshold clustering_iou_threshold'),
  ...all(uint32, 'top_k infer_nms_score_bits'),
  force_on_cpu: bool,
});

/** `eval_config` of all detectors; TLT 2.0 sets the number of epochs here. */
export const evalConfig = message({
  ...all(uint32, 'validation_period_during_training batch_size'),
  average_precision_mode: enumeration('SAMPLE', 'INTEGRATE'),
  matching_iou_threshold: float,
  visualize_pr_curve: bool,
});
