/** The specs of the detectors in test/fixtures/keras, with the parameters of make_keras_detectors.py. */
import type { Detector, DetectorArchitecture } from '../../src/graph/keras/detectors/detector.ts';

const plugin: Detector['plugin'] = {
  scoreThreshold: 0.3,
  iouThreshold: 0.5,
  topK: 40,
  keepTopK: 20,
  classes: 2,
  scoreBits: 0,
};

const regions: Detector['plugin'] = {
  ...plugin,
  topK: 12,
  keepTopK: 10,
  proposal: {
    preNmsTopN: 60,
    postNmsTopN: 12,
    iouThreshold: 0.7,
    anchorSizes: [32, 56],
    anchorRatios: [1, 0.5, 2],
    cropSize: 7,
    stride: 16,
    boxSpread: [10, 10, 5, 5],
  },
};

export const aDetector = (architecture: DetectorArchitecture): Detector => ({
  architecture,
  plugin: architecture === 'faster_rcnn' ? regions : plugin,
  sides: { height: 64, width: 96 },
});

const blocks: Readonly<Record<DetectorArchitecture, string>> = {
  ssd: 'ssd_config { aspect_ratios_global: "[1.0, 2.0, 0.5]" arch: "resnet" nlayers: 10 }',
  dssd: 'dssd_config { aspect_ratios_global: "[1.0, 2.0, 0.5]" arch: "resnet" nlayers: 10 }',
  retinanet: 'retinanet_config { aspect_ratios_global: "[1.0, 2.0, 0.5]" arch: "resnet" nlayers: 10 }',
  yolo: 'yolov3_config { big_anchor_shape: "[(66, 66)]" arch: "resnet" nlayers: 10 }',
  faster_rcnn: `model_config {
    input_image_config {
      image_type: RGB
      image_channel_order: "bgr"
      size_height_width { height: 160 width: 192 }
      image_channel_mean { key: "b" value: 103.939 }
      image_channel_mean { key: "g" value: 116.779 }
      image_channel_mean { key: "r" value: 123.68 }
      image_scaling_factor: 1.0
    }
    arch: "resnet:10"
    anchor_box_config { scale: 32.0 scale: 56.0 ratio: 1.0 ratio: 0.5 ratio: 2.0 }
    rpn_stride: 16
    roi_pooling_config { pool_size: 7 }
  }
  training_config {
    batch_size_per_gpu: 2
    classifier_regr_std { key: "x" value: 10.0 }
    classifier_regr_std { key: "y" value: 10.0 }
    classifier_regr_std { key: "w" value: 5.0 }
    classifier_regr_std { key: "h" value: 5.0 }
  }
  inference_config {
    rpn_pre_nms_top_N: 60
    rpn_nms_max_boxes: 12
    rpn_nms_overlap_threshold: 0.7
    classifier_nms_max_boxes: 10
    classifier_nms_overlap_threshold: 0.5
    object_confidence_thres: 0.3
  }`,
};

const common = `
augmentation_config { output_width: 96 output_height: 64 output_channel: 3 }
training_config { batch_size_per_gpu: 2 }
nms_config { confidence_threshold: 0.3 clustering_iou_threshold: 0.5 top_k: 20 }`;

const data = `
dataset_config {
  target_class_mapping { key: "brick" value: "brick" }
  target_class_mapping { key: "coin" value: "coin" }
}`;

/** The text of the spec with the parameters of `aDetector`. */
export const aDetectorSpec = (architecture: DetectorArchitecture): string =>
  `${blocks[architecture]}${architecture === 'faster_rcnn' ? '' : common}${data}\n`;
