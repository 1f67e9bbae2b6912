/**
 * Converts a graph to float16. Inputs and outputs stay float32, with a Cast at each, so that callers need no change.
 * Also float32 stay:
 *
 * - what ONNX's operators do not accept as float16: scales of Resize, Range, NonMaxSuppression …
 * (formats/onnx/operator-types);
 * - what does not depend on the images: sizes, counters and coordinates, which are rounded once, where an image is
 * computed with them;
 * - TensorRT's plugin nodes (overlaps and sorting need the precision), quantisers, and sequences.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, elementTypeOf, graphOf, inputsOf, opsetOf } from '../../formats/onnx/graph.ts';
import { findDependentNames } from '../transforms/dependence.ts';
import { FreshNames } from '../transforms/fresh-names.ts';
import { convertBodies } from './half/bodies.ts';
import { convertNodes } from './half/half-graph.ts';
import { HalfScope } from './half/scope.ts';

/**
 * Converts a model in normal form.
 * @throws UserError EngineUnsupported for a constant outside the range of float16, ModelInvalid for an invalid loop
 */
export const convertToHalf = (source: ModelProto): ModelProto => {
  const graph = graphOf(source);
  const ports = new Set(graph.output.map(({ name }) => name));
  const scope = new HalfScope(new FreshNames(graph), { ports });
  const inputs = inputsOf(graph);
  for (const input of inputs)
    if (elementTypeOf(input) === elementType.float32) scope.define(input.name, 'float');
  const dependent = findDependentNames(graph, new Set(inputs.map(({ name }) => name)));
  const setting = { opset: opsetOf(source), dependent, keep: false, withBodies: convertBodies };
  const node = convertNodes(graph, scope, setting);
  return copyWith(source, {
    graph: copyWith(graph, { node, initializer: scope.constants, valueInfo: [] }),
  });
};
