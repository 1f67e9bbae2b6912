/** The attributes of a plugin node. TensorRT's plugin registry has no schema: what is missing or absurd is told here. */

import type { NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { attributeOf, intOf } from '../../formats/onnx/node.ts';
import { UserError } from '../../ground/base/errors.ts';

/** Largest topK that the plugins' kernels take: 8 rounds of 512 threads. */
const mostCandidates = 4096;
/** Beyond any network; what is larger is damage. */
const mostOfAnything = 2 ** 16;

/** @throws UserError ModelInvalid for a count that is missing, below 1, or absurd */
export const countOf = (node: NodeProto, name: string): number => {
  const value = intOf(node, name, 0);
  if (value >= 1 && value <= mostOfAnything) return value;
  throw new UserError(
    'ModelInvalid',
    `Reading the plugin node ${labelOf(node)}: its attribute ${name} is ${attributeOf(node, name) ? value : 'missing'}, and 1 to ${mostOfAnything} is needed. Export the model again.`,
  );
};

/** @throws UserError ModelInvalid, EngineUnsupported beyond what TensorRT's own plugin takes */
export const candidatesOf = (node: NodeProto, name: string): number => {
  const value = countOf(node, name);
  if (value <= mostCandidates) return value;
  throw unsupportedPlugin(node, `its ${name} is ${value}, and ${mostCandidates} is the most`);
};

export const flagOf = (node: NodeProto, name: string, fallback: boolean): boolean =>
  intOf(node, name, fallback ? 1 : 0) !== 0;

/** @throws UserError ModelInvalid */
export const inputsOfPlugin = (node: NodeProto, count: number): readonly string[] => {
  const { input, output } = node;
  if (input.length === count && input.every((name) => name !== '') && output[0]) return input;
  throw new UserError(
    'ModelInvalid',
    `Reading the plugin node ${labelOf(node)}: it has ${input.length} inputs and ${output.length} outputs, and ${count} inputs and at least one output are needed. Export the model again.`,
  );
};

/** What only TensorRT itself can run. */
export const unsupportedPlugin = (node: NodeProto, why: string): UserError =>
  new UserError(
    'EngineUnsupported',
    `Turning the TensorRT plugin node ${labelOf(node)} into ONNX operators: ${why}. Build this model with the backend TensorRt, which has the plugin.`,
  );

const labelOf = ({ name, opType, output }: NodeProto): string =>
  `${name || output[0] || 'without a name'} (${opType})`;
