/** Lists the int8 layers of a graph for given scales, grouped by their input tensor. */
import type { ModelProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { graphOf, initializerMap } from '../../formats/onnx/graph.ts';
import { layerName } from './float-layers.ts';
import { pairRules } from './pair-rules.ts';
import { prepareForQdq, type Scales } from './qdq.ts';
import { quantisedInputs } from './qdq-placement.ts';

/** Layers that read one tensor are all int8 or all float, because the tensor has a scale or not. */
export type Int8Layers = {
  readonly tensor: string;
  /** The layers that compute from it, in graph order. */
  readonly layers: readonly string[];
  /** Layer that keeps the whole group in float when named: preferably one that reads nothing else. */
  readonly namedBy: string;
};

/** Lists the groups in graph order. */
export const listInt8Layers = (source: ModelProto, scales: Scales): readonly Int8Layers[] => {
  const graph = graphOf(prepareForQdq(source));
  const constants = initializerMap(graph);
  const placement = { graph, constants, rules: pairRules.TensorRt };
  const readers = new Map<string, { readonly layer: string; readonly alone: boolean }[]>();
  for (const node of graph.node) {
    const activations = node.input.filter((name) => name !== '' && !constants.has(name));
    for (const index of quantisedInputs(node, placement)) {
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
