/**
 * A graph that computes in float16. Its inputs and outputs stay float32, with a Cast at each, so that callers need not
 * know. In float32 stay also
 *
 * - what ONNX's operators do not take as float16: scales of Resize, Range, NonMaxSuppression … (formats/onnx/operator-types);
 * - what does not follow from the images: sizes, counters, coordinates, which are rounded once, where an image is computed
 *   with them;
 * - TensorRT's plugin nodes, since overlaps and sorting need the digits, quantisers, and sequences.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, elementTypeOf, graphOf, inputsOf, opsetOf } from '../../formats/onnx/graph.ts';
import { dependentNames } from '../transforms/dependence.ts';
import { FreshNames } from '../transforms/fresh-names.ts';
import { halfBodies } from './half/bodies.ts';
import { halfNodes } from './half/half-graph.ts';
import { Scope } from './half/scope.ts';

/** Of a model in normal form. @throws UserError EngineUnsupported for a constant that float16 cannot hold */
export const halfModel = (source: ModelProto): ModelProto => {
  const graph = graphOf(source);
  const ports = new Set(graph.output.map(({ name }) => name));
  const scope = new Scope(new FreshNames(graph), { ports });
  const inputs = inputsOf(graph);
  for (const input of inputs)
    if (elementTypeOf(input) === elementType.float32) scope.define(input.name, 'float');
  const dependent = dependentNames(graph, new Set(inputs.map(({ name }) => name)));
  const setting = { opset: opsetOf(source), dependent, keep: false, withBodies: halfBodies };
  const node = halfNodes(graph, scope, setting);
  return copyWith(source, {
    graph: copyWith(graph, { node, initializer: scope.constants, valueInfo: [] }),
  });
};
