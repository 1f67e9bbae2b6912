/** The seven export modules of TLT 2.0 and the node names that their graphs carry. */
export type ArchitectureRow = {
  /** The graph's input node. */
  readonly input: string;
  /** The graph's outputs, in the order in which the tool lists them. */
  readonly outputs: readonly string[];
  /** Other names under which exporters give the same outputs. */
  readonly otherOutputs?: readonly (readonly string[])[];
  /** Whether `-e` is required by the contract. */
  readonly needsSpec: boolean;
};

const detections = ['NMS', 'NMS_1'] as const;

export const architectures = {
  classification: { input: 'input_1', outputs: ['predictions/Softmax'], needsSpec: false },
  detectnet_v2: {
    input: 'input_1',
    outputs: ['output_bbox/BiasAdd', 'output_cov/Sigmoid'],
    needsSpec: false,
  },
  ssd: { input: 'Input', outputs: detections, needsSpec: true },
  dssd: { input: 'Input', outputs: detections, needsSpec: true },
  faster_rcnn: {
    input: 'input_image',
    outputs: ['nms_out', 'nms_out_1'],
    otherOutputs: [detections],
    needsSpec: true,
  },
  yolo: {
    input: 'Input',
    outputs: ['BatchedNMS', 'BatchedNMS_1', 'BatchedNMS_2', 'BatchedNMS_3'],
    needsSpec: true,
  },
  retinanet: { input: 'Input', outputs: detections, needsSpec: true },
} as const satisfies Record<string, ArchitectureRow>;

export type Architecture = keyof typeof architectures;
export const architectureNames = Object.keys(architectures) as Architecture[];

export const dataTypes = ['fp32', 'fp16', 'int8'] as const;
export type DataType = (typeof dataTypes)[number];

/** How a tensor's threshold is chosen from its histogram. */
export const algorithms = ['Entropy', 'MinMax', 'Percentile', 'Mse', 'Auto'] as const;
export type Algorithm = (typeof algorithms)[number];

/** Where the scales of a cache come from: an algorithm, or the training with quantisation itself. */
export const scaleOrigins = [...algorithms, 'Trained'] as const;
export type ScaleOrigin = (typeof scaleOrigins)[number];
