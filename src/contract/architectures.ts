/** The seven export modules of TLT 2.0 and the node names that their graphs carry. */
export type ArchitectureRow = {
  /** The graph's input node. */
  readonly input: string;
  /** The graph's output nodes, in the order in which the tool lists them. */
  readonly outputs: readonly string[];
  /** Whether `-e` is required by the contract. */
  readonly needsSpec: boolean;
  /** Whether this version exports it; the rest answer NotYetSupported. */
  readonly supported: boolean;
};

export const architectures = {
  classification: { input: 'input_1', outputs: ['predictions/Softmax'], needsSpec: false, supported: true },
  detectnet_v2: {
    input: 'input_1',
    outputs: ['output_bbox/BiasAdd', 'output_cov/Sigmoid'],
    needsSpec: false,
    supported: true,
  },
  ssd: { input: 'Input', outputs: ['NMS'], needsSpec: true, supported: false },
  dssd: { input: 'Input', outputs: ['NMS'], needsSpec: true, supported: false },
  faster_rcnn: { input: 'input_image', outputs: ['NMS'], needsSpec: true, supported: false },
  yolo: { input: 'Input', outputs: ['BatchedNMS'], needsSpec: true, supported: false },
  retinanet: { input: 'Input', outputs: ['NMS'], needsSpec: true, supported: false },
} as const satisfies Record<string, ArchitectureRow>;

export type Architecture = keyof typeof architectures;
export const architectureNames = Object.keys(architectures) as Architecture[];

export const dataTypes = ['fp32', 'fp16', 'int8'] as const;
export type DataType = (typeof dataTypes)[number];

/** How a tensor's threshold is chosen from its histogram. */
export const algorithms = ['Entropy', 'MinMax', 'Percentile', 'Mse', 'Auto'] as const;
export type Algorithm = (typeof algorithms)[number];
