/** Attributes of NMSDynamic_TRT that all modules share. TensorRT, plugin/nmsPlugin. */

import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import type { AttributeValue } from '../../../formats/onnx/node.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Offsets say where the middle of a box lies and how large it is. */
const centreSize = 1;

/** `differing`: what a module has its own way. */
export const makeNmsAttributes = (
  { scoreThreshold, iouThreshold, topK, keepTopK, classes, scoreBits }: PluginParameters,
  differing: Readonly<Record<string, number>>,
): Attributes => ({
  ...intAttributes({ ...differing, topK, keepTopK, numClasses: classes + 1, scoreBits }),
  ...intAttributes({ codeType: centreSize, isNormalized: 1 }),
  confidenceThreshold: { float: scoreThreshold },
  nmsThreshold: { float: iouThreshold },
  inputOrder: { ints: [1, 2, 0] },
});

export const intAttributes = (values: Readonly<Record<string, number>>): Attributes =>
  Object.fromEntries(Object.entries(values).map(([name, int]) => [name, { int }]));
