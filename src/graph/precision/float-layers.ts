/**
 * Layers that stay in float in an int8 engine. TensorRT falls back to float for every layer that reads or writes a
 * tensor without a scale, so the inputs of such a layer lose their scale, in the cache and in the Q/DQ graph.
 */

import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { foldConstants, graphOf, initializerMap, inputsOf } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { UserError } from '../../ground/base/errors.ts';
import { sortByDistance } from '../../ground/base/nearest.ts';
import { matchesWildcard } from '../../ground/base/wildcard.ts';
import { int8Activations } from './calibration-graph.ts';
import type { Scales } from './qdq.ts';

/** Layers that stay in float. */
export type FloatLayers = {
  /** Names for users and reports. */
  readonly names: readonly string[];
  /** Inputs of the layers, which get no scale. */
  readonly tensors: ReadonlySet<string>;
  /** Outputs of the layers, by which builders find them. */
  readonly outputs: readonly string[];
};

/** Name of a layer: its node's name, or its first output if the node has none. */
export const layerName = ({ name, output }: NodeProto): string => name || output[0]!;

/**
 * Finds layers by the names of nodes or of tensors that nodes write; `*` matches any characters. A graph input selects
 * the layers that read it.
 * @throws UserError LayerNotFound, with the nearest name, for a pattern without a match
 */
export const findFloatLayers = (source: ModelProto, wanted: readonly string[]): FloatLayers => {
  const graph = foldConstants(graphOf(source));
  const constants = initializerMap(graph);
  const inputs = inputsOf(graph).map(({ name }) => name);
  const namesOf = (node: NodeProto): readonly string[] => [
    node.name,
    ...node.output,
    ...readsOf(node).filter((name) => inputs.includes(name)),
  ];
  const layers = new Set(wanted.flatMap((pattern) => findMatching(pattern, graph.node, namesOf)));
  const read = [...layers].flatMap(readsOf).filter((name) => !constants.has(name));
  return {
    names: [...layers].map(layerName),
    tensors: new Set(read),
    outputs: [...layers].flatMap(({ output }) => output),
  };
};

const findMatching = (
  pattern: string,
  nodes: readonly NodeProto[],
  namesOf: (node: NodeProto) => readonly string[],
): readonly NodeProto[] => {
  const found = nodes.filter((node) =>
    namesOf(node).some((name) => name !== '' && matchesWildcard(pattern, name)),
  );
  if (found.length > 0) return found;
  const [near] = sortByDistance(pattern, [...new Set(nodes.map(layerName))]);
  throw new UserError(
    'LayerNotFound',
    `Leaving layers in float: '${pattern}' matches no layer of the model${near === undefined ? '' : `; the nearest is '${near}'`}. Name a node or a tensor that a node writes, with * for any characters.`,
  );
};

/**
 * Removes the scales of tensors that these layers read.
 * @throws UserError LayerNotFound as `findFloatLayers`, and if no layer is left for int8
 */
export const removeFloatScales = (
  model: ModelProto,
  scales: Scales,
  wanted: readonly string[] | undefined,
): Scales => {
  if (wanted === undefined || wanted.length === 0) return scales;
  const { tensors } = findFloatLayers(model, wanted);
  const left = new Map([...scales].filter(([name]) => !tensors.has(name)));
  if (int8Activations(model).some((name) => left.has(name))) return left;
  throw new UserError(
    'LayerNotFound',
    `Leaving layers in float: '${wanted.join(', ')}' leaves no layer for int8. Name fewer, or export for fp16.`,
  );
};
