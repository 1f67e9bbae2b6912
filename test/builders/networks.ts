/**
 * Builds small networks with unusual structure, node by node: `input_1` [N,3,16,16] → `predictions/Softmax` [N,5]. Weights
 * come from a seed, so the same network has the same bytes.
 */
import { elementType } from '../../src/formats/onnx/element-type.ts';
import type {
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
} from '../../src/formats/onnx/generated/onnx_pb.ts';
import { makeGraph, makeModel, makeUntypedValueInfo, makeValueInfo } from '../../src/formats/onnx/graph.ts';
import { type AttributeValue, makeNode } from '../../src/formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt8s, tensorFromInt64s } from '../../src/formats/onnx/tensor.ts';

export const side = 16;
export const channels = 16;
export const input = 'input_1';
export const output = 'predictions/Softmax';

export type Attributes = Readonly<Record<string, AttributeValue>>;

export class Network {
  readonly nodes: NodeProto[] = [];
  readonly tensors: TensorProto[] = [];
  #state = 7;
  #names = 0;

  name(stem: string): string {
    return `${stem}_${this.#names++}`;
  }

  /** Adds a node and returns the name of its first output. */
  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, outputs?: string[]): string {
    const made = outputs ?? [this.name(opType)];
    this.nodes.push(makeNode(opType, { inputs, outputs: made, name: made[0]!, attributes }));
    return made[0]!;
  }

  tensor(tensor: TensorProto): string {
    this.tensors.push(tensor);
    return tensor.name;
  }

  floats(dims: readonly number[], values: readonly number[]): string {
    return this.tensor(tensorFromFloats(this.name('c'), dims, Float32Array.from(values)));
  }

  scalar(value: number): string {
    return this.floats([], [value]);
  }

  integers(...values: number[]): string {
    return this.tensor(tensorFromInt64s(this.name('i'), [values.length], values));
  }

  bytes(dims: readonly number[], values: readonly number[]): string {
    return this.tensor(tensorFromInt8s(this.name('b'), dims, Int8Array.from(values)));
  }

  /** Values of a normal distribution; the default `spread` is He's. */
  weight(dims: readonly number[], spread = Math.sqrt(2 / dims.slice(1).reduce((a, b) => a * b, 1))): string {
    const values = Float32Array.from(
      { length: dims.reduce((a, b) => a * b, 1) },
      () => this.normal() * spread,
    );
    return this.tensor(tensorFromFloats(this.name('w'), dims, values));
  }

  /** A sum of uniform numbers, which is approximately normal. */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.#uniform();
    return sum;
  }

  #uniform(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return this.#state / 2 ** 32;
  }

  conv(from: string, weight = this.weight([channels, channels, 3, 3]), attributes: Attributes = {}): string {
    return this.node('Conv', [from, weight], { pads: { ints: [1, 1, 1, 1] }, ...attributes });
  }

  /** Two convolutions: 3 channels of pixels → 16 channels of about unit variance. */
  stem(): string {
    const first = this.node('Relu', [this.conv(input, this.weight([channels, 3, 3, 3], 0.02))]);
    return this.node('Relu', [this.conv(first)]);
  }

  /** Adds pooling, a matrix product and softmax. */
  head(from: string, features = channels): void {
    const flat = this.node('Flatten', [this.node('GlobalAveragePool', [from])]);
    this.classes(flat, features);
  }

  /** Adds a matrix product and softmax to a tensor [N,features]. */
  classes(from: string, features: number): void {
    const weight = this.weight([features, 5], 0.5);
    this.node('Softmax', [this.node('Gemm', [from, weight, this.weight([5], 0.1)])], { axis: { int: 1 } }, [
      output,
    ]);
  }

  model({ opset = 13, batch = 'N' as number | string, outputs = [] as readonly string[] } = {}): ModelProto {
    return makeModel({
      name: 'network',
      inputs: [makeValueInfo(input, elementType.float32, [batch, 3, side, side])],
      outputs: [
        makeValueInfo(output, elementType.float32, [batch, 5]),
        ...outputs.map((name) => makeValueInfo(name, elementType.float32, undefined)),
      ],
      nodes: this.nodes,
      initializers: this.tensors,
      opset,
    });
  }
}

/** Builds a body of If, Loop or Scan. Its tensors have other names than those of the outer network. */
export const bodyOf = (
  name: string,
  inputs: GraphProto['input'],
  build: (body: Network) => readonly string[],
): GraphProto => {
  const body = new Network();
  body.name = (stem) => `${name}/${stem}_${body.nodes.length}_${body.tensors.length}`;
  const outputs = build(body).map(makeUntypedValueInfo);
  return makeGraph({ name, inputs, outputs, nodes: body.nodes, initializers: body.tensors });
};

/** Builds a network from stem, `build` and head; `build` returns the tensor of 16 channels that the head reads. */
export const classifierWith = (
  build: (network: Network, from: string) => string,
  options?: { readonly opset?: number },
): ModelProto => {
  const network = new Network();
  network.head(build(network, network.stem()));
  return network.model(options);
};
