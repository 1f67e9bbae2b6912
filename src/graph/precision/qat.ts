/**
 * Removes quantisation-aware training from a graph. Pairs of QuantizeLinear and DequantizeLinear are removed, with a
 * Clip in place of a pair that also acts as an activation (qat-cut.ts); the ranges of activations are returned; weights
 * become the trained floats, or the dequantised integers. The argument is not modified.
 */

import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import {
  allNodes,
  copyWith,
  foldConstants,
  graphOf,
  initializerMap,
  opsetOf,
} from '../../formats/onnx/graph.ts';
import { makeNode } from '../../formats/onnx/node.ts';
import { readsOfBodies } from '../../formats/onnx/reads.ts';
import { UserError } from '../../ground/base/errors.ts';
import { isNonNegative } from '../transforms/non-negative.ts';
import { findConstantNames, pruneGraph } from '../transforms/prune.ts';
import { clipWeight, makeClip } from './qat-clip.ts';
import { clipRangeOf, isSymmetric, isUnknownRange } from './qat-cut.ts';
import {
  dequantiseWeight,
  isDequantize,
  isQuantize,
  type Quantiser,
  quantiserOf,
  sameQuantiser,
} from './qat-quantiser.ts';

/** The trained quantiser of one activation. */
export type TrainedPair = Quantiser & {
  /** Name of the quantised tensor, in the resulting graph. */
  readonly tensor: string;
  /** Output of the Clip that replaces the pair, if any. */
  readonly clipped: string | undefined;
  /** Whether the pair directly follows another pair. */
  readonly cascaded: boolean;
};

/** The float model and the removed pairs. */
export type PeeledModel = { readonly model: ModelProto; readonly pairs: readonly TrainedPair[] };

/**
 * Removes the Q/DQ pairs.
 * @throws UserError ModelUnsupported if the graph computes with integers, a pair is in a body, or the clip range of a
 * pair is unknown
 */
export const peelQat = (source: ModelProto): PeeledModel => {
  const outer = new Set(graphOf(source).node);
  const inner = allNodes(source).find((node) => !outer.has(node) && (isQuantize(node) || isDequantize(node)));
  if (inner) throw unsupportedQat(`its node ${labelOf(inner)} is inside a branch, a loop or a function`);
  const { graph, pairs } = new QatPeeler(foldConstants(graphOf(source)), opsetOf(source)).result();
  return { model: copyWith(source, { graph }), pairs };
};

class QatPeeler {
  readonly #graph: GraphProto;
  readonly #opset: number;
  readonly #initializers: Map<string, TensorProto>;
  readonly #constant: ReadonlySet<string>;
  /** Names that must not change: graph outputs, and tensors that branches and loops read. */
  readonly #fixed: ReadonlySet<string>;
  /** Output of a QuantizeLinear → that node. */
  readonly #quantised = new Map<string, NodeProto>();
  /** Outputs of activation pairs. */
  readonly #dequantised = new Set<string>();
  /** Removed tensor → its replacement. */
  readonly #replaced = new Map<string, string>();
  readonly #pairs: TrainedPair[] = [];
  readonly #kept: NodeProto[] = [];

  constructor(graph: GraphProto, opset: number) {
    this.#graph = graph;
    this.#opset = opset;
    this.#initializers = initializerMap(graph);
    this.#constant = findConstantNames(graph);
    const outputs = graph.output.map(({ name }) => name);
    this.#fixed = new Set([...outputs, ...graph.node.flatMap(readsOfBodies)]);
  }

  result(): { readonly graph: GraphProto; readonly pairs: readonly TrainedPair[] } {
    for (const node of this.#graph.node) this.#take(node);
    const graph = copyWith(this.#graph, {
      node: this.#kept.map((node) => this.#renamed(node)),
      initializer: [...this.#initializers.values()],
      quantizationAnnotation: [],
    });
    const pairs = this.#pairs.map((pair) => ({ ...pair, tensor: this.#nameOf(pair.tensor) }));
    return { graph: pruneGraph(graph), pairs };
  }

  #take(node: NodeProto): void {
    if (isDequantize(node)) this.#dequantise(node);
    else if (node.input.some((name) => this.#quantised.has(name)))
      throw unsupportedQat(`its node ${labelOf(node)} computes with integers`);
    else if (isQuantize(node)) this.#quantise(node);
    else this.#kept.push(node);
  }

  #quantise(node: NodeProto): void {
    const output = node.output[0]!;
    if (this.#fixed.has(output)) throw unsupportedQat(`its tensor ${output} of integers is read elsewhere`);
    this.#quantised.set(output, node);
  }

  #dequantise(node: NodeProto): void {
    const [from, to] = [node.input[0]!, node.output[0]!];
    const quantise = this.#quantised.get(from);
    const integers = this.#initializers.get(from);
    if (quantise) this.#pass(quantise, node);
    else if (integers) this.#initializers.set(to, dequantiseWeight(node, integers, this.#initializers));
    else throw unsupportedQat(`its node ${labelOf(node)} reads integers that the graph computes`);
  }

  /** Replaces the pair's output by its input, or by a Clip of it. */
  #pass(quantise: NodeProto, dequantise: NodeProto): void {
    const [from, to] = [quantise.input[0]!, dequantise.output[0]!];
    requirePair(quantise, dequantise, this.#initializers);
    const weight = this.#initializers.get(from);
    if (weight) this.#passWeight(weight, quantise, to);
    else this.#passActivation(quantise, to);
  }

  #passActivation(quantise: NodeProto, to: string): void {
    const from = quantise.input[0]!;
    const quantiser = quantiserOf(quantise, this.#initializers);
    const tensor = this.#nameOf(from);
    const isCut = this.#isCut(quantiser, { tensor, to });
    if (isCut) this.#clip(quantiser, quantise, to);
    else this.#rename(tensor, to);
    if (this.#constant.has(from)) return;
    const cascaded = this.#dequantised.has(from);
    this.#pairs.push({ ...quantiser, tensor, clipped: isCut ? to : undefined, cascaded });
    this.#dequantised.add(to);
  }

  #passWeight(weight: TensorProto, quantise: NodeProto, to: string): void {
    const quantiser = quantiserOf(quantise, this.#initializers);
    const ends = clipRangeOf(quantiser);
    const cut =
      isSymmetric(quantiser) || isUnknownRange(ends) ? undefined : clipWeight(weight, ends, quantise);
    if (cut) this.#initializers.set(to, copyWith(cut, { name: to }));
    else this.#rename(weight.name, to);
  }

  /** Whether the pair clips values that the rest of the graph would keep. */
  #isCut(quantiser: Quantiser, { tensor, to }: { readonly tensor: string; readonly to: string }): boolean {
    if (isSymmetric(quantiser)) return false;
    const ends = clipRangeOf(quantiser);
    const isRectifier = !isUnknownRange(ends) && ends.low.every((low) => low === 0);
    return !isRectifier || (!this.#isNonNegative(tensor) && !this.#isOnlyRectified(to));
  }

  #isNonNegative(tensor: string): boolean {
    const producer = (name: string) => this.#kept.find(({ output }) => output.includes(this.#nameOf(name)));
    return isNonNegative(tensor, { producer, constants: this.#initializers });
  }

  #isOnlyRectified(to: string): boolean {
    if (this.#fixed.has(to)) return false;
    return this.#graph.node.every(({ opType, input }) => opType === 'Relu' || !input.includes(to));
  }

  /**
   * Adds a Clip.
   * @throws UserError ModelUnsupported if the clip range is unknown
   */
  #clip(quantiser: Quantiser, quantise: NodeProto, to: string): void {
    const from = quantise.input[0]!;
    const ends = clipRangeOf(quantiser);
    if (isUnknownRange(ends) || ends.low.length > 1)
      throw unsupportedQat(
        `the pair of ${from} cuts its values off like a Relu or a Clip, and ${isUnknownRange(ends) ? ends.unknown : 'it has a scale for each channel'}`,
      );
    const dataType = this.#initializers.get(quantise.input[1]!)!.dataType;
    const { node, bounds } = makeClip(ends, { from, to, opset: this.#opset, dataType });
    for (const bound of bounds) this.#initializers.set(bound.name, bound);
    this.#kept.push(node);
  }

  /** Renames; a fixed name is moved to the pair's input, or to a copy of it if that name is fixed, too. */
  #rename(tensor: string, to: string): void {
    const isComputed = this.#kept.some(({ output }) => output.includes(tensor));
    if (!this.#fixed.has(to)) this.#replace(to, tensor);
    else if (isComputed && !this.#fixed.has(tensor)) this.#replace(tensor, to);
    else this.#kept.push(makeNode('Identity', { inputs: [tensor], outputs: [to] }));
  }

  #replace(name: string, by: string): void {
    if (this.#nameOf(by) === name)
      throw new UserError(
        'ModelInvalid',
        `Taking the scales of training out of the graph: its tensor ${name} is computed from itself. The file is damaged; export the model again.`,
      );
    this.#replaced.set(name, by);
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

/**
 * Checks that the dequantiser is the inverse of the quantiser.
 * @throws UserError ModelUnsupported
 */
const requirePair = (
  quantise: NodeProto,
  dequantise: NodeProto,
  constants: ReadonlyMap<string, TensorProto>,
): void => {
  const inputs = (node: NodeProto) =>
    node.input
      .slice(1)
      .filter((name) => name !== '')
      .join();
  if (inputs(quantise) === inputs(dequantise)) return;
  if (sameQuantiser(quantiserOf(quantise, constants), quantiserOf(dequantise, constants))) return;
  throw unsupportedQat(
    `its node ${labelOf(dequantise)} has another scale or zero point than the ${labelOf(quantise)} that it reads`,
  );
};

const labelOf = ({ name, opType, output }: NodeProto): string => `${name || output[0]} (${opType})`;

const unsupportedQat = (found: string): UserError =>
  new UserError(
    'ModelUnsupported',
    `Taking the scales of training out of the graph: ${found}, and only pairs of QuantizeLinear and DequantizeLinear around floats can be taken out. Export the model in that form (Q/DQ), or export the float model.`,
  );
