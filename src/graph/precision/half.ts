/**
 * A graph that computes in float16. Its inputs and outputs stay float32, with a Cast at each, so that callers need not
 * know. Parameters that ONNX wants in float32 (scales of Resize) stay so, and so do TensorRT's plugin nodes: overlaps and
 * sorting need the digits.
 */

import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith, elementTypeOf, foldConstants, graphOf, inputsOf } from '../../formats/onnx/graph.ts';
import { attributeOf, intOf, makeAttribute, makeNode, tensorOf } from '../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloat16s } from '../../formats/onnx/tensor.ts';
import { UserError } from '../../ground/base/errors.ts';
import { isPlugin } from '../plugins/plugin-nodes.ts';

const largestHalf = 65504;

/** Inputs, by index, that must be float32 whatever the data are. */
const floatParameters: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2], Upsample: [1] };

/** @throws UserError EngineUnsupported for a weight that float16 cannot hold */
export const halfModel = (source: ModelProto): ModelProto => {
  const graph = foldConstants(graphOf(source));
  const kept = new Set([...parametersIn(graph), ...readByPluginsAlone(graph)]);
  const ports = new Ports(graph);
  const islands = new Islands(graph);
  const inner = graph.node.flatMap((node) => islands.around(ports.renamed(halfNode(node))));
  return copyWith(source, {
    graph: copyWith(graph, {
      initializer: graph.initializer.map((tensor) => (kept.has(tensor.name) ? tensor : halfTensor(tensor))),
      node: [...ports.casts('in'), ...inner, ...ports.casts('out')],
      valueInfo: [],
    }),
  });
};

const parametersIn = (graph: GraphProto): string[] =>
  graph.node.flatMap(({ opType, input }) => (floatParameters[opType] ?? []).flatMap((i) => input[i] || []));

const readByPluginsAlone = ({ node }: GraphProto): string[] => {
  const others = new Set(node.filter((each) => !isPlugin(each)).flatMap(({ input }) => input));
  return node.filter(isPlugin).flatMap(({ input }) => input.filter((name) => !others.has(name)));
};

/** Float ports of the graph: inside they have another name and float16. */
class Ports {
  readonly #inputs: readonly string[];
  readonly #outputs: readonly string[];
  readonly #names: ReadonlyMap<string, string>;

  constructor(graph: GraphProto) {
    const floats = (infos: readonly Parameters<typeof elementTypeOf>[0][]) =>
      infos.filter((info) => elementTypeOf(info) === elementType.float32).map(({ name }) => name);
    this.#inputs = floats(inputsOf(graph));
    const made = new Set(graph.node.filter(isPlugin).flatMap(({ output }) => output));
    this.#outputs = floats(graph.output.filter(({ name }) => !made.has(name)));
    this.#names = new Map([...this.#inputs, ...this.#outputs].map((name) => [name, `${name}/half`]));
  }

  renamed(node: NodeProto): NodeProto {
    const inside = (name: string) => this.#names.get(name) ?? name;
    return copyWith(node, { input: node.input.map(inside), output: node.output.map(inside) });
  }

  casts(side: 'in' | 'out'): NodeProto[] {
    return side === 'in'
      ? this.#inputs.map((name) => cast(name, `${name}/half`, elementType.float16))
      : this.#outputs.map((name) => cast(`${name}/half`, name, elementType.float32));
  }
}

const cast = (from: string, to: string, type: number): NodeProto =>
  makeNode('Cast', { name: `${to}/Cast`, inputs: [from], outputs: [to], attributes: { to: { int: type } } });

/** Plugin nodes in the half graph: a Cast in front of each of their inputs, and behind what is read again. */
class Islands {
  readonly #made: ReadonlySet<string>;
  readonly #done = new Set<string>();

  constructor(graph: GraphProto) {
    this.#made = new Set(graph.node.filter(isPlugin).flatMap(({ output }) => output));
  }

  around(node: NodeProto): NodeProto[] {
    const [suffix, type] = isPlugin(node)
      ? (['float', elementType.float32] as const)
      : (['half', elementType.float16] as const);
    const changed = node.input.filter((name) => name !== '' && this.#made.has(name) !== isPlugin(node));
    if (changed.length === 0) return [node];
    const before = changed.flatMap((name) => this.#once(name, `${name}/${suffix}`, type));
    const input = node.input.map((name) => (changed.includes(name) ? `${name}/${suffix}` : name));
    return [...before, copyWith(node, { input })];
  }

  #once(from: string, to: string, type: number): NodeProto[] {
    if (this.#done.has(to)) return [];
    this.#done.add(to);
    return [cast(from, to, type)];
  }
}

/** A Cast to float becomes one to half; a tensor attribute (ConstantOfShape) becomes half. */
const halfNode = (node: NodeProto): NodeProto => {
  if (node.opType === 'Cast' && intOf(node, 'to', 0) === elementType.float32)
    return withAttribute(node, 'to', { int: elementType.float16 });
  const value = tensorOf(node, 'value');
  return value ? withAttribute(node, 'value', { tensor: halfTensor(value) }) : node;
};

const withAttribute = (
  node: NodeProto,
  name: string,
  value: Parameters<typeof makeAttribute>[1],
): NodeProto => {
  const old = attributeOf(node, name);
  return copyWith(node, {
    attribute: node.attribute.map((each) => (each === old ? makeAttribute(name, value) : each)),
  });
};

const halfTensor = (tensor: TensorProto): TensorProto => {
  if (tensor.dataType !== elementType.float32) return tensor;
  const values = floatsOf(tensor);
  if (values.some((value) => Math.abs(value) > largestHalf))
    throw new UserError(
      'EngineUnsupported',
      `Making the fp16 graph: ${tensor.name} holds a value beyond ${largestHalf}, the largest of float16. Use fp32 or int8 for this class.`,
    );
  return tensorFromFloat16s(tensor.name, tensor.dims.map(Number), values);
};
