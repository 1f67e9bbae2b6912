/** Attributes of NMSDynamic_TRT that all modules share. TensorRT, plugin/nmsPlugin. */

import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import type { AttributeValue } from '../../../formats/onnx/node.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Offsets say where the middle of a box lies and how large it is. */
const centreSize = 1;

/** `differing`: what a module has its own way. */
export const nmsAttributes = (
  { scoreThreshold, iouThreshold, topK, keepTopK, classes, scoreBits }: PluginParameters,
  differing: Readonly<Record<string, number>>,
): Attributes => ({
  ...integers({ ...differing, topK, keepTopK, numClasses: classes + 1, scoreBits }),
  ...integers({ codeType: centreSize, isNormalized: 1 }),
  confidenceThreshold: { float: scoreThreshold },
  nmsThreshold: { float: iouThreshold },
  inputOrder: { ints: [1, 2, 0] },
});

export const integers = (values: Readonly<Record<string, number>>): Attributes =>
  Object.fromEntries(Object.entries(values).map(([name, int]) => [name, { int }]));
