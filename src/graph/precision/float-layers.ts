/**
 * Layers that stay float in an int8 engine. TensorRT falls back to float for every layer that reads or writes a tensor
 * without a scale, so what such a layer computes from loses its scale, in the cache and in the Q/DQ graph alike.
 */

import type { ModelProto, NodeProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { foldConstants, graphOf, initializerMap, inputsOf } from '../../formats/onnx/graph.ts';
import { readsOf } from '../../formats/onnx/reads.ts';
import { UserError } from '../../ground/base/errors.ts';
import { byDistance } from '../../ground/base/nearest.ts';
import { fits } from '../../ground/base/wildcard.ts';
import { computedFrom } from './calibration-graph.ts';
import type { Scales } from './qdq.ts';

export type FloatLayers = {
  /** What users and reports call them. */
  readonly names: readonly string[];
  /** Tensors that have no scale: what the layers compute from. */
  readonly tensors: ReadonlySet<string>;
  /** Tensors that the layers write; builders find the layers by them. */
  readonly outputs: readonly string[];
};

/** A layer is called by the name of its node, and where that has none by the first tensor that it writes. */
export const layerName = ({ name, output }: NodeProto): string => name || output[0]!;

/**
 * `wanted`: names of nodes, or of tensors that nodes write; a `*` stands for any characters. A graph input stands for
 * the layers that read it.
 * @throws UserError LayerNotFound, with the nearest name, for one that fits nothing
 */
export const floatLayers = (source: ModelProto, wanted: readonly string[]): FloatLayers => {
  const graph = foldConstants(graphOf(source));
  const constants = initializerMap(graph);
  const inputs = inputsOf(graph).map(({ name }) => name);
  const namesOf = (node: NodeProto): readonly string[] => [
    node.name,
    ...node.output,
    ...readsOf(node).filter((name) => inputs.includes(name)),
  ];
  const layers = new Set(wanted.flatMap((pattern) => fitting(pattern, graph.node, namesOf)));
  const read = [...layers].flatMap(readsOf).filter((name) => !constants.has(name));
  return {
    names: [...layers].map(layerName),
    tensors: new Set(read),
    outputs: [...layers].flatMap(({ output }) => output),
  };
};

const fitting = (
  pattern: string,
  nodes: readonly NodeProto[],
  namesOf: (node: NodeProto) => readonly string[],
): readonly NodeProto[] => {
  const found = nodes.filter((node) => namesOf(node).some((name) => name !== '' && fits(pattern, name)));
  if (found.length > 0) return found;
  const [near] = byDistance(pattern, [...new Set(nodes.map(layerName))]);
  throw new UserError(
    'LayerNotFound',
    `Leaving layers in float: '${pattern}' is no layer of the model and fits none${near === undefined ? '' : `; the nearest is '${near}'`}. Name a node or a tensor that a node writes, with * for any characters.`,
  );
};

/** The scales of all other tensors. @throws UserError LayerNotFound as `floatLayers`, and if nothing is left for int8 */
export const withoutFloat = (
  model: ModelProto,
  scales: Scales,
  wanted: readonly string[] | undefined,
): Scales => {
  if (wanted === undefined || wanted.length === 0) return scales;
  const { tensors } = floatLayers(model, wanted);
  const left = new Map([...scales].filter(([name]) => !tensors.has(name)));
  if (computedFrom(model).some((name) => left.has(name))) return left;
  throw new UserError(
    'LayerNotFound',
    `Leaving layers in float: '${wanted.join(', ')}' leaves no layer for int8. Name fewer, or export for fp16.`,
  );
};
