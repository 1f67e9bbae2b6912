/** Reads and validates attributes of plugin nodes, for which TensorRT's plugin registry has no schema. */

import type { NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { attributeOf, intOf } from '../../formats/onnx/node.ts';
import { UserError } from '../../ground/base/errors.ts';

/** Largest topK of the plugins' kernels: 8 rounds of 512 threads. */
const mostCandidates = 4096;
/** No network has a larger count; a larger value means a damaged file. */
const mostOfAnything = 2 ** 16;

/** A required count from 1 to 65536. @throws UserError ModelInvalid if it is missing or out of range */
export const countOf = (node: NodeProto, name: string): number => {
  const value = intOf(node, name, 0);
  if (value >= 1 && value <= mostOfAnything) return value;
  throw new UserError(
    'ModelInvalid',
    `Reading the plugin node ${labelOf(node)}: its attribute ${name} is ${attributeOf(node, name) ? value : 'missing'}; it must be from 1 to ${mostOfAnything}. Export the model again.`,
  );
};

/**
 * A count of candidate boxes. @throws UserError ModelInvalid, EngineUnsupported beyond the limit of TensorRT's own
 * plugin
 */
export const candidatesOf = (node: NodeProto, name: string): number => {
  const value = countOf(node, name);
  if (value <= mostCandidates) return value;
  throw unsupportedPlugin(node, `its ${name} is ${value}, and the maximum is ${mostCandidates}`);
};

/** A boolean attribute, stored as an integer. */
export const flagOf = (node: NodeProto, name: string, fallback: boolean): boolean =>
  intOf(node, name, fallback ? 1 : 0) !== 0;

/** The inputs of a plugin node that takes exactly `count`. @throws UserError ModelInvalid */
export const inputsOfPlugin = (node: NodeProto, count: number): readonly string[] => {
  const { input, output } = node;
  if (input.length === count && input.every((name) => name !== '') && output[0]) return input;
  throw new UserError(
    'ModelInvalid',
    `Reading the plugin node ${labelOf(node)}: it has ${input.length} inputs and ${output.length} outputs; it needs ${count} inputs and at least one output. Export the model again.`,
  );
};

/** The error for a plugin node that only TensorRT itself can run. */
export const unsupportedPlugin = (node: NodeProto, why: string): UserError =>
  new UserError(
    'EngineUnsupported',
    `Converting the TensorRT plugin node ${labelOf(node)} to ONNX operators: ${why}. Build this model with the backend TensorRt, which has the plugin.`,
  );

const labelOf = ({ name, opType, output }: NodeProto): string =>
  `${name || output[0] || 'without a name'} (${opType})`;
