/**
 * A graph that was trained with quantisation as the plain float graph beneath it. Pairs of QuantizeLinear and
 * DequantizeLinear go; what they say of activations is handed out; weights become the floats that training had, or
 * those that their integers stand for. Nothing here alters its argument.
 */

import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { allNodes, copyWith, foldConstants, graphOf, initializerMap } from '../../formats/onnx/graph.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { readByBodies } from '../../formats/onnx/reads.ts';
import { UserError } from '../../ground/base/errors.ts';
import { constantNames, pruned } from '../transforms/prune.ts';
import { dequantised, isDequantize, isQuantize, type Quantiser, quantiserOf } from './qat-quantiser.ts';

/** What training says of one tensor. */
export type TrainedPair = Quantiser & {
  /** Name of the tensor before the pair, in the graph that is left. */
  readonly tensor: string;
  /** The pair stands right behind another one. */
  readonly cascaded: boolean;
};

export type Peeled = { readonly model: ModelProto; readonly pairs: readonly TrainedPair[] };

/** @throws UserError ModelUnsupported where integers are computed with, or a pair stands in a branch or a loop */
export const peelQat = (source: ModelProto): Peeled => {
  const outer = new Set(graphOf(source).node);
  const inner = allNodes(source).find((node) => !outer.has(node) && (isQuantize(node) || isDequantize(node)));
  if (inner) throw unsupported(`its node ${labelOf(inner)} lies inside a branch, a loop or a function`);
  const { graph, pairs } = new Peel(foldConstants(graphOf(source))).result();
  return { model: copyWith(source, { graph }), pairs };
};

class Peel {
  readonly #graph: GraphProto;
  readonly #initializers: Map<string, TensorProto>;
  readonly #constant: ReadonlySet<string>;
  /** Names that must stay: graph outputs, and what branches and loops read. */
  readonly #fixed: ReadonlySet<string>;
  /** Output of a QuantizeLinear → that node. */
  readonly #quantised = new Map<string, NodeProto>();
  /** Outputs of DequantizeLinear behind activations. */
  readonly #dequantised = new Set<string>();
  /** A tensor that goes → the one that stands for it. */
  readonly #replaced = new Map<string, string>();
  readonly #pairs: TrainedPair[] = [];
  readonly #kept: NodeProto[] = [];

  constructor(graph: GraphProto) {
    this.#graph = graph;
    this.#initializers = initializerMap(graph);
    this.#constant = constantNames(graph);
    const outputs = graph.output.map(({ name }) => name);
    this.#fixed = new Set([...outputs, ...graph.node.flatMap(readByBodies)]);
  }

  result(): { readonly graph: GraphProto; readonly pairs: readonly TrainedPair[] } {
    for (const node of this.#graph.node) this.#take(node);
    const graph = copyWith(this.#graph, {
      node: this.#kept.map((node) => this.#renamed(node)),
      initializer: [...this.#initializers.values()],
      quantizationAnnotation: [],
    });
    const pairs = this.#pairs.map((pair) => ({ ...pair, tensor: this.#nameOf(pair.tensor) }));
    return { graph: pruned(graph), pairs };
  }

  #take(node: NodeProto): void {
    if (isDequantize(node)) this.#dequantise(node);
    else if (node.input.some((name) => this.#quantised.has(name)))
      throw unsupported(`its node ${labelOf(node)} computes with integers`);
    else if (isQuantize(node)) this.#quantise(node);
    else this.#kept.push(node);
  }

  #quantise(node: NodeProto): void {
    const output = node.output[0]!;
    if (this.#fixed.has(output)) throw unsupported(`its tensor ${output} of integers is read elsewhere`);
    this.#quantised.set(output, node);
  }

  #dequantise(node: NodeProto): void {
    const [from, to] = [node.input[0]!, node.output[0]!];
    const quantise = this.#quantised.get(from);
    const integers = this.#initializers.get(from);
    if (quantise) this.#pass(quantise, to);
    else if (integers) this.#initializers.set(to, dequantised(node, integers, this.#initializers));
    else throw unsupported(`its node ${labelOf(node)} reads integers that the graph computes`);
  }

  /** The value before the pair stands for the one behind it. */
  #pass(quantise: NodeProto, to: string): void {
    const from = quantise.input[0]!;
    const tensor = this.#nameOf(from);
    if (!this.#constant.has(from)) {
      const cascaded = this.#dequantised.has(from);
      this.#pairs.push({ ...quantiserOf(quantise, this.#initializers), tensor, cascaded });
      this.#dequantised.add(to);
    }
    this.#rename(tensor, to);
  }

  /** A name that must stay goes to the value before the pair, or to a copy of it if that one's must stay too. */
  #rename(tensor: string, to: string): void {
    const isComputed = this.#kept.some(({ output }) => output.includes(tensor));
    if (!this.#fixed.has(to)) this.#replaced.set(to, tensor);
    else if (isComputed && !this.#fixed.has(tensor)) this.#replaced.set(tensor, to);
    else this.#kept.push(makeNode('Identity', { inputs: [tensor], outputs: [to] }));
  }

  #nameOf(name: string): string {
    const next = this.#replaced.get(name);
    return next === undefined ? name : this.#nameOf(next);
  }

  #renamed(node: NodeProto): NodeProto {
    const names = (list: readonly string[]) => list.map((name) => this.#nameOf(name));
    return copyWith(node, { input: names(node.input), output: names(node.output) });
  }
}

const labelOf = ({ name, opType, output }: NodeProto): string => `${name || output[0]} (${opType})`;

const unsupported = (found: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Taking the scales of training out of the graph: ${found}, and only pairs of QuantizeLinear and DequantizeLinear around floats can be taken out. Export the model in that form (Q/DQ), or export the float model.`,
  );
