/**
 * Collects nodes and weights. Tensors are named as TensorFlow names the output of a Keras layer: layer, slash,
 * operation (`conv1/BiasAdd`), so that TLT's calibration caches and DeepStream configurations match.
 */
import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { type AttributeValue, makeNode } from '../../formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt64s } from '../../formats/onnx/tensor.ts';

/** A node with one output. */
export type BuilderNode = {
  readonly inputs: readonly string[];
  /** Full name of the output tensor; a number is appended if it is taken. */
  readonly output: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
};

/** A TensorRT plugin node with its fixed names. */
export type PluginNode = {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
};

/** A graph under construction. Names of tensors are unique. */
export class GraphBuilder {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly #names = new Set<string>();
  /** Next number to try for each name: a layer may be called thousands of times. */
  readonly #numbers = new Map<string, number>();
  readonly #items = new Map<string, Float32Array>();

  /** Adds a node and returns the name of its output. */
  node(opType: string, { inputs, output, attributes = {} }: BuilderNode): string {
    const name = this.claim(output);
    this.nodes.push(makeNode(opType, { name, inputs, outputs: [name], attributes }));
    return name;
  }

  /** Adds a TensorRT plugin node, which has several outputs with fixed names. */
  plugin(opType: string, { name, inputs, outputs, attributes }: PluginNode): void {
    for (const output of outputs) this.claim(output);
    this.nodes.push(makeNode(opType, { name, inputs, outputs, attributes }));
  }

  /** Records that a tensor is the same for each item of the batch, with the values of one item. */
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

  /** The nodes and initializers that these tensors depend on. */
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

  /** Reserves a unique name. */
  claim(request: string): string {
    let name = request;
    let number = this.#numbers.get(request) ?? 1;
    for (; this.#names.has(name); number++) name = `${request}_${number}`;
    this.#numbers.set(request, number);
    this.#names.add(name);
    return name;
  }
}
