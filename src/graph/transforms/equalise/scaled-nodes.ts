/** Divides and multiplies channels in the nodes of a graph, by new constants. */
import type { NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../../formats/onnx/graph.ts';
import { makeNode } from '../../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloats } from '../../../formats/onnx/tensor.ts';
import { FreshNames } from '../fresh-names.ts';
import { channelsOf } from './factors.ts';
import { hasLimits, limitsOf } from './passed.ts';
import type { ChannelGraph, ChannelSite } from './sites.ts';

/** Collects the changes of all sites; a convolution can be the reader of one site and the source of the next. */
export class ScaledNodes {
  readonly #around: ChannelGraph;
  readonly #names: FreshNames;
  /** Node → input index → new values. */
  readonly #values = new Map<NodeProto, Map<number, Float32Array>>();
  /** Node → nodes that replace it. */
  readonly #replaced = new Map<NodeProto, readonly NodeProto[]>();
  /** Reader → Mul in front of it. */
  readonly #divisions = new Map<NodeProto, NodeProto>();
  readonly #added: TensorProto[] = [];

  constructor(around: ChannelGraph) {
    this.#around = around;
    this.#names = new FreshNames(around.graph);
  }

  /** Divides the channels of the site's tensor by `factors`, and multiplies the reader's weights by them. */
  scale({ source, between, reader, tensor }: ChannelSite, factors: Float32Array): void {
    const weight = this.#around.constants.get(reader.input[1]!)!;
    const { input } = channelsOf(reader, weight);
    this.#edit(reader, 1, (value, i) => value * factors[input(i)]!);
    const rank = weight.dims.length;
    if (source) {
      // Weight and bias of a Conv, γ and β of a norm.
      for (const index of [1, 2]) this.#divideFirstAxis(source, index, factors);
    } else this.#divide(reader, tensor, perChannel(factors.map(invert), rank));
    for (const node of between)
      if (hasLimits(node)) this.#replaced.set(node, this.#limit(node, factors, rank));
  }

  /** The nodes of the graph with all changes, and its constants with the new ones. */
  finish(): { readonly node: NodeProto[]; readonly initializer: TensorProto[] } {
    const node = this.#around.graph.node.flatMap((each) => [
      ...(this.#divisions.has(each) ? [this.#divisions.get(each)!] : []),
      ...(this.#replaced.get(each) ?? [this.#rewired(each)]),
    ]);
    return { node, initializer: [...this.#around.graph.initializer, ...this.#added] };
  }

  #divideFirstAxis(node: NodeProto, index: number, factors: Float32Array): void {
    const name = node.input[index];
    if (!name) return;
    const tensor = this.#around.constants.get(name)!;
    const each = floatsOf(tensor).length / factors.length;
    this.#edit(node, index, (value, i) => value / factors[Math.floor(i / each)]!);
  }

  #edit(node: NodeProto, index: number, change: (value: number, i: number) => number): void {
    const edited = this.#values.get(node) ?? new Map<number, Float32Array>();
    const values = edited.get(index) ?? floatsOf(this.#around.constants.get(node.input[index]!)!);
    this.#values.set(node, edited.set(index, values.map(change)));
  }

  #divide(reader: NodeProto, tensor: string, factors: PerChannel): void {
    const output = this.#names.fresh(`${tensor}/equalised`);
    const inputs = [tensor, this.#constant(`${output}/factor`, factors)];
    this.#divisions.set(reader, makeNode('Mul', { name: output, inputs, outputs: [output] }));
  }

  /** Clip has one limit for all channels, Min and Max have one for each; the last node keeps name and output. */
  #limit(node: NodeProto, factors: Float32Array, rank: number): readonly NodeProto[] {
    const { low, high } = limitsOf(node, this.#around)!;
    const steps: [string, number][] = [];
    if (low === 0) steps.push(['Relu', low]);
    else if (low > Number.NEGATIVE_INFINITY) steps.push(['Max', low]);
    if (high < Number.POSITIVE_INFINITY) steps.push(['Min', high]);
    let from = node.input[0]!;
    return steps.map(([opType, limit], i) => {
      const isLast = i === steps.length - 1;
      const output = isLast ? node.output[0]! : this.#names.fresh(`${node.output[0]}/${opType}`);
      const limits = factors.map((factor) => limit / factor);
      const inputs =
        opType === 'Relu' ? [from] : [from, this.#constant(`${output}/limit`, perChannel(limits, rank))];
      from = output;
      return makeNode(opType, { name: isLast ? node.name : output, inputs, outputs: [output] });
    });
  }

  #constant(wanted: string, { dims, values }: PerChannel): string {
    const name = this.#names.fresh(wanted);
    this.#added.push(tensorFromFloats(name, dims, values));
    return name;
  }

  #rewired(node: NodeProto): NodeProto {
    const edited = this.#values.get(node);
    if (!edited) return node;
    const input = node.input.map((name, index) => {
      const values = edited.get(index);
      if (!values) return name;
      const dims = this.#around.constants.get(name)!.dims.map(Number);
      return this.#constant(`${name}/equalised`, { dims, values });
    });
    const division = this.#divisions.get(node);
    return copyWith(node, { input: division ? [division.output[0]!, ...input.slice(1)] : input });
  }
}

const invert = (factor: number): number => 1 / factor;

type PerChannel = { readonly dims: readonly number[]; readonly values: Float32Array };

/** A constant [1,C,1,…]. */
const perChannel = (values: Float32Array, rank: number): PerChannel => ({
  dims: [1, values.length, ...new Array<number>(rank - 2).fill(1)],
  values,
});
