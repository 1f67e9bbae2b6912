/** Which layers of a graph compute in int8 with given scales, by the tensor that they compute from. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, initializerMap } from '../../formats/onnx/graph.ts';
import { layerName } from './float-layers.ts';
import { preparedModel, type Scales } from './qdq.ts';
import { quantisedInputs } from './qdq-placement.ts';

/** Layers that read one tensor are int8 or float together: a tensor has a scale or has none. */
export type Int8Layers = {
  readonly tensor: string;
  /** Those that compute from it, in the order of the graph. */
  readonly layers: readonly string[];
  /** The one to name to leave them all in float: where one does, it computes from nothing else. */
  readonly namedBy: string;
};

/** In the order of the graph. */
export const int8Layers = (source: ModelProto, scales: Scales): readonly Int8Layers[] => {
  const graph = graphOf(preparedModel(source));
  const constants = initializerMap(graph);
  const readers = new Map<string, { readonly layer: string; readonly alone: boolean }[]>();
  for (const node of graph.node) {
    const activations = node.input.filter((name) => name !== '' && !constants.has(name));
    for (const index of quantisedInputs(node, graph, constants)) {
      const tensor = node.input[index]!;
      if (!scales.has(tensor)) continue;
      const known = readers.get(tensor) ?? [];
      readers.set(tensor, [...known, { layer: layerName(node), alone: activations.length === 1 }]);
    }
  }
  return [...readers].map(([tensor, found]) => ({
    tensor,
    layers: found.map(({ layer }) => layer),
    namedBy: (found.find(({ alone }) => alone) ?? found[0]!).layer,
  }));
};
