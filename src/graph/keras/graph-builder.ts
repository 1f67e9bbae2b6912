/**
 * Collects nodes and weights. Tensors are named as TensorFlow names what a Keras layer makes: the layer, a slash, the
 * operation (`conv1/BiasAdd`), so that calibration caches and DeepStream configurations of TLT fit.
 */
import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { type AttributeValue, makeNode } from '../../formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt64s } from '../../formats/onnx/tensor.ts';

export type NodeWish = {
  readonly inputs: readonly string[];
  /** Full name of the one tensor that comes out; a number is added if it is taken. */
  readonly output: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
};

export type PluginWish = {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
};

export class GraphBuilder {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names = new Set<string>();
  /** Where to look on for a free number: a layer may be called thousands of times. */
  readonly #numbers = new Map<string, number>();
  readonly #items = new Map<string, Float32Array>();

  /** Adds a node; the name of its output comes back. */
  node(opType: string, { inputs, output, attributes = {} }: NodeWish): string {
    const name = this.claim(output);
    this.nodes.push(makeNode(opType, { name, inputs, outputs: [name], attributes }));
    return name;
  }

  /** Adds a node of TensorRT's, which gives several tensors under names that are fixed. */
  plugin(opType: string, { name, inputs, outputs, attributes }: PluginWish): void {
    for (const output of outputs) this.claim(output);
    this.nodes.push(makeNode(opType, { name, inputs, outputs, attributes }));
  }

  /** Takes down that a tensor is the same for each item of the batch, and its values of one item. */
  noteItem(tensor: string, values: Float32Array): void {
    this.#items.set(tensor, values);
  }

  itemOf(tensor: string): Float32Array | undefined {
    return this.#items.get(tensor);
  }

  floats(name: string, dims: readonly number[], values: Float32Array): string {
    const free = this.claim(name);
    this.initializers.push(tensorFromFloats(free, dims, values));
    return free;
  }

  integers(name: string, values: readonly number[]): string {
    const free = this.claim(name);
    this.initializers.push(tensorFromInt64s(free, [values.length], values));
    return free;
  }

  /** What these tensors are computed from; the rest is left out. */
  needed(tensors: readonly string[]): Pick<GraphBuilder, 'nodes' | 'initializers'> {
    const wanted = new Set(tensors);
    const nodes = this.nodes.toReversed().filter(({ input, output }) => {
      const isWanted = output.some((name) => wanted.has(name));
      if (isWanted) for (const name of input) wanted.add(name);
      return isWanted;
    });
    const initializers = this.initializers.filter(({ name }) => wanted.has(name));
    return { nodes: nodes.toReversed(), initializers };
  }

  /** A name that nothing else has. */
  claim(request: string): string {
    let name = request;
    let number = this.#numbers.get(request) ?? 1;
    for (; this.#names.has(name); number++) name = `${request}_${number}`;
    this.#numbers.set(request, number);
    this.#names.add(name);
    return name;
  }
}
