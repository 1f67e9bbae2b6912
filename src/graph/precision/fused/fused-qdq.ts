/**
 * Quantises a graph for ONNX Runtime on a CPU: pairs on inputs and outputs of what it computes with integers, int32 biases,
 * and float everywhere else. `../qdq.ts` does it for TensorRT, which wants pairs on inputs only.
 */
import type { ModelProto, NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, graphOf, initializerMap } from '../../../formats/onnx/graph.ts';
import { makeNode } from '../../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloats } from '../../../formats/onnx/tensor.ts';
import type { Extent } from '../../../formats/scales/tensor-distributions.ts';
import { pruneGraph } from '../../transforms/prune.ts';
import { prepareForQdq, type Scales } from '../qdq.ts';
import { weightOf } from '../qdq-placement.ts';
import { outputAxis } from '../qdq-weights.ts';
import { gridOf, type IntegerGrid } from './integer-grid.ts';
import { chooseIntegerNodes, type IntegerNodes } from './integer-nodes.ts';
import {
  dequantiseAlong,
  dequantiseBias,
  dequantiseWeight,
  type IntegerType,
  makeIntegers,
  type StoredWeight,
} from './integer-tensors.ts';
import { splitPRelu } from './split-prelu.ts';
import { WeightIntegers } from './weight-integers.ts';
import { roomForBias } from './weight-scales.ts';

/** Types of integers for which the processor has fast instructions. */
export type IntegerTypes = {
  readonly activations: IntegerType;
  readonly weights: IntegerType;
  /** Whether the processor adds two products of bytes in 16 bits, so that weights must leave room for the sum. */
  readonly pairsIn16Bits?: boolean;
};

/** Their kernels are exact on every processor. */
export const exactIntegers: IntegerTypes = { activations: 'uint8', weights: 'uint8' };

/** What is known of the tensors, and the types of their integers. */
export type FusedRequest = {
  readonly scales: Scales;
  /** Extents of tensors on calibration images, as far as they are known; none if undefined. */
  readonly extents?: ReadonlyMap<string, Extent> | undefined;
  readonly types: IntegerTypes;
};

/** Quantises a model. Layers without scales on both sides stay float. @throws UserError EngineUnsupported */
export const quantiseFused = (source: ModelProto, request: FusedRequest): ModelProto =>
  quantiseWith(prepareFused(source), request);

/** What all graphs of a model share, whichever scales they have. */
export type FusedSource = {
  readonly model: ModelProto;
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly integers: WeightIntegers;
};

/** Prepares a model that is quantised with several scales. @throws UserError EngineUnsupported */
export const prepareFused = (source: ModelProto): FusedSource => {
  const model = prepareForQdq(source);
  return { model, constants: initializerMap(graphOf(model)), integers: new WeightIntegers() };
};

/** Quantises a prepared model. */
export const quantiseWith = (
  { model, constants, integers }: FusedSource,
  { scales, extents = new Map(), types }: FusedRequest,
): ModelProto => {
  const graph = graphOf(model);
  const chosen = chooseIntegerNodes({ graph, constants, scales });
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const grids = new Map(
    [...chosen.tensors].map(([tensor, like]) => [
      tensor,
      gridOf(like, { producers, constants, scales, extents }),
    ]),
  );
  const pairs = new FusedPairs({ chosen, grids, constants, types, integers });
  const fed = graph.input.filter(({ name }) => grids.has(name)).flatMap(({ name }) => pairs.ofInput(name));
  const node = [...fed, ...graph.node.flatMap((each) => pairs.around(each))].flatMap((each) =>
    splitPRelu(each, constants),
  );
  const initializer = [...graph.initializer, ...pairs.initializers];
  return copyWith(model, { graph: pruneGraph(copyWith(graph, { node, initializer, valueInfo: [] })) });
};

type Parts = {
  readonly chosen: IntegerNodes;
  readonly grids: ReadonlyMap<string, IntegerGrid>;
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly types: IntegerTypes;
  readonly integers: WeightIntegers;
};

/** A computed tensor keeps its name behind the pair; the node that makes it writes `<name>/float`. */
class FusedPairs {
  readonly initializers: TensorProto[] = [];
  readonly #parts: Parts;
  /** Graph input → its dequantised form. */
  readonly #fed = new Map<string, string>();
  /** The tensors of weights that an earlier reader has: an unrolled network reads a weight at each step. */
  readonly #weightTensors = new Map<StoredWeight, readonly TensorProto[]>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The pair of a graph input, whose readers then read the dequantised form. */
  ofInput(tensor: string): NodeProto[] {
    this.#fed.set(tensor, `${tensor}/dequantized`);
    return this.#pair(tensor, { from: tensor, to: `${tensor}/dequantized` });
  }

  /** The node with dequantised weights, before the pairs of its outputs. */
  around(node: NodeProto): NodeProto[] {
    const { chosen, grids, constants } = this.#parts;
    const read = node.input.map((name) => this.#fed.get(name) ?? name);
    const isWeighted = chosen.nodes.has(node) && weightOf(node, constants) !== undefined;
    const weights = isWeighted ? this.#weights(node) : [];
    const input = weights.length > 0 ? [read[0]!, ...weights.map(({ output }) => output[0]!)] : read;
    const output = node.output.map((name) => (grids.has(name) ? `${name}/float` : name));
    const pairs = node.output
      .filter((name) => grids.has(name))
      .flatMap((name) => this.#pair(name, { from: `${name}/float`, to: name }));
    return [...weights, copyWith(node, { input, output }), ...pairs];
  }

  #pair(tensor: string, { from, to }: { readonly from: string; readonly to: string }): NodeProto[] {
    const { scale, zero } = this.#parts.grids.get(tensor)!;
    const type = this.#parts.types.activations;
    const constants = [
      tensorFromFloats(`${tensor}/scale`, [], Float32Array.of(scale)),
      makeIntegers(`${tensor}/zero`, [], { type, values: Uint8Array.of(zero) }),
    ];
    this.initializers.push(...constants);
    const parameters = constants.map(({ name }) => name);
    const integers = `${tensor}/quantized`;
    return [
      makeNode('QuantizeLinear', { name: `${tensor}/Q`, inputs: [from, ...parameters], outputs: [integers] }),
      makeNode('DequantizeLinear', {
        name: `${tensor}/DQ`,
        inputs: [integers, ...parameters],
        outputs: [to],
      }),
    ];
  }

  /** Dequantised weight and bias of a layer. */
  #weights(node: NodeProto): NodeProto[] {
    const { grids, constants, integers, types } = this.#parts;
    const weight = constants.get(node.input[1]!)!;
    const bias = node.input[2] ? floatsOf(constants.get(node.input[2])!) : undefined;
    const dataScale = grids.get(node.input[0]!)!.scale;
    const axis = outputAxis(node, weight)!;
    const { pairsIn16Bits = false } = types;
    const scales = roomForBias(integers.scalesOf(weight, { axis, pairsIn16Bits }), bias, dataScale);
    const name = node.output[0]!;
    const stored = integers.of(weight, { axis, scales }, types.weights);
    const made = [this.#weight(`${name}/quantized/weight`, weight, stored)];
    if (bias) {
      const sums = scales.map((scale) => scale * dataScale);
      const { node: dequantised, tensors } = dequantiseBias(`${name}/quantized/bias`, bias, sums);
      this.initializers.push(...tensors);
      made.push(dequantised);
    }
    return made;
  }

  #weight(name: string, { dims }: TensorProto, stored: StoredWeight): NodeProto {
    const known = this.#weightTensors.get(stored);
    if (known) return dequantiseAlong(name, stored.axis, known);
    const { node, tensors } = dequantiseWeight(name, dims.map(Number), stored);
    this.initializers.push(...tensors);
    this.#weightTensors.set(stored, tensors);
    return node;
  }
}
