/** Builder for a part of a graph: each call adds a node and returns the name of its output. Operators of opset 13. */

import { elementType } from '../../formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { type AttributeValue, makeNode } from '../../formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt64s } from '../../formats/onnx/tensor.ts';

type Attributes = Readonly<Record<string, AttributeValue>>;

/** Nodes and constants of one lowered plugin node. */
export class Subgraph {
  readonly nodes: NodeProto[] = [];
  readonly tensors: TensorProto[] = [];
  readonly #prefix: string;
  #count = 0;

  /** All names begin with the prefix, so that two subgraphs of one graph do not collide. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A new name in this subgraph. */
  name(what: string): string {
    return `${this.#prefix}/${what}_${this.#count++}`;
  }

  node(opType: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const name = this.name(opType);
    this.nodes.push(makeNode(opType, { name, inputs, outputs: [name], attributes }));
    return name;
  }

  /** Values in descending order, and their indices along the axis. On equal values the lower index comes first. */
  topK(input: string, count: number, axis: number): readonly [values: string, indices: string] {
    const name = this.name('TopK');
    const outputs = [`${name}/values`, `${name}/indices`] as const;
    const attributes = { axis: { int: axis } };
    this.nodes.push(makeNode('TopK', { name, inputs: [input, this.ints(count)], outputs, attributes }));
    return outputs;
  }

  /** A constant of int64, one dimension. */
  ints(...values: readonly number[]): string {
    const name = this.name('ints');
    this.tensors.push(tensorFromInt64s(name, [values.length], values));
    return name;
  }

  int(value: number): string {
    const name = this.name('int');
    this.tensors.push(tensorFromInt64s(name, [], [value]));
    return name;
  }

  float(value: number): string {
    return this.floats([value], []);
  }

  floats(values: readonly number[], dims: readonly number[] = [values.length]): string {
    const name = this.name('floats');
    this.tensors.push(tensorFromFloats(name, dims, Float32Array.from(values)));
    return name;
  }

  reshape(input: string, ...shape: readonly number[]): string {
    return this.node('Reshape', [input, this.ints(...shape)]);
  }

  transpose(input: string, ...perm: readonly number[]): string {
    return this.node('Transpose', [input], { perm: { ints: perm } });
  }

  slice(input: string, axis: number, [from, to]: readonly [number, number]): string {
    return this.node('Slice', [input, this.ints(from), this.ints(to), this.ints(axis)]);
  }

  concat(inputs: readonly string[], axis: number): string {
    return this.node('Concat', inputs, { axis: { int: axis } });
  }

  toFloat(input: string): string {
    return this.node('Cast', [input], { to: { int: elementType.float32 } });
  }

  toInt32(input: string): string {
    return this.node('Cast', [input], { to: { int: elementType.int32 } });
  }

  /** The size of one axis, int64 [1]. */
  sizeOf(input: string, axis: number): string {
    return this.slice(this.node('Shape', [input]), 0, [axis, axis + 1]);
  }

  /** Gathers rows of four (boxes) along `axis` by indices of all dimensions but the last. */
  pickRows(rows: string, indices: string, axis: number): string {
    const index = this.node('Unsqueeze', [indices, this.ints(-1)]);
    const each = this.concat([index, index, index, index], -1);
    return this.node('GatherElements', [rows, each], { axis: { int: axis } });
  }

  /** Gives a result the name that the rest of the graph uses. */
  finish(input: string, output: string): void {
    this.nodes.push(
      makeNode('Identity', { name: `${this.#prefix}/${output}`, inputs: [input], outputs: [output] }),
    );
  }
}
