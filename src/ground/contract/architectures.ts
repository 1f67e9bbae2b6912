/** An export module of TLT 2.0 and the node names of its graphs. */
export type ArchitectureRow = {
  /** Name of the graph input. */
  readonly input: string;
  /** Names of the graph outputs, in the order in which TLT lists them. */
  readonly outputs: readonly string[];
  /** Alternative output names that exporters use. */
  readonly otherOutputs?: readonly (readonly string[])[];
  /** Whether `-e` is required, as in TLT 2.0. */
  readonly needsSpec: boolean;
};

const detections = ['NMS', 'NMS_1'] as const;

/** The seven export modules of TLT 2.0. */
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
/** Names of all modules. */
export const architectureNames = Object.keys(architectures) as Architecture[];

/** Precisions of an engine. */
export const dataTypes = ['fp32', 'fp16', 'int8'] as const;
export type DataType = (typeof dataTypes)[number];

/** Calibration methods: how the threshold of a tensor is chosen from its histogram. */
export const algorithms = ['Entropy', 'MinMax', 'Percentile', 'Mse', 'Auto'] as const;
export type Algorithm = (typeof algorithms)[number];

/** Whether channels are equalised before convolutions: where it gains accuracy, or never. */
export const equalizations = ['auto', 'off'] as const;
export type Equalization = (typeof equalizations)[number];

/** Origin of the scales in a cache: a calibration method, or quantisation-aware training. */
export const scaleOrigins = [...algorithms, 'Trained'] as const;
export type ScaleOrigin = (typeof scaleOrigins)[number];
