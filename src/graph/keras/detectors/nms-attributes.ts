/** Attributes of NMSDynamic_TRT shared by all modules. TensorRT, plugin/nmsPlugin. */

import type { PluginParameters } from '../../../data/specs/plugin-parameters.ts';
import type { AttributeValue } from '../../../formats/onnx/node.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** codeType: offsets encode centre and size of a box. */
const centreSize = 1;

/** Attributes of the node; `differing` are those of the module. */
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

/** Integer attributes by name. */
export const intAttributes = (values: Readonly<Record<string, number>>): Attributes =>
  Object.fromEntries(Object.entries(values).map(([name, int]) => [name, { int }]));
