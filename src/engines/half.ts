/**
 * A graph that computes in float16. Its inputs and outputs stay float32, with a Cast at each, so that callers need not
 * know. Parameters that ONNX wants in float32 (scales of Resize) stay so.
 */
import { UserError } from '../base/errors.ts';
import type { GraphProto, ModelProto, NodeProto, TensorProto } from '../formats/generated/onnx_pb.ts';
import { elementType } from '../formats/onnx/element-type.ts';
import { copyWith, elementTypeOf, foldConstants, graphOf, inputsOf } from '../formats/onnx/graph.ts';
import { attributeOf, intOf, makeAttribute, makeNode, tensorOf } from '../formats/onnx/node.ts';
import { floatsOf, tensorFromFloat16s } from '../formats/onnx/tensor.ts';

const largestHalf = 65504;

/** Inputs, by index, that must be float32 whatever the data are. */
const floatParameters: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2], Upsample: [1] };

/** @throws UserError EngineUnsupported for a weight that float16 cannot hold */
export const halfModel = (source: ModelProto): ModelProto => {
  const graph = foldConstants(graphOf(source));
  const kept = new Set(
    graph.node.flatMap(({ opType, input }) => (floatParameters[opType] ?? []).flatMap((i) => input[i] || [])),
  );
  const ports = new Ports(graph);
  const inner = graph.node.map((node) => ports.renamed(halfNode(node)));
  return copyWith(source, {
    graph: copyWith(graph, {
      initializer: graph.initializer.map((tensor) => (kept.has(tensor.name) ? tensor : halfTensor(tensor))),
      node: [...ports.casts('in'), ...inner, ...ports.casts('out')],
      valueInfo: [],
    }),
  });
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
    this.#outputs = floats(graph.output);
    this.#names = new Map([...this.#inputs, ...this.#outputs].map((name) => [name, `${name}/half`]));
  }

  renamed(node: NodeProto): NodeProto {
    const inside = (name: string) => this.#names.get(name) ?? name;
    return copyWith(node, { input: node.input.map(inside), output: node.output.map(inside) });
  }

  casts(side: 'in' | 'out'): NodeProto[] {
    const cast = (from: string, to: string, type: number) =>
      makeNode('Cast', {
        name: `${to}/Cast`,
        inputs: [from],
        outputs: [to],
        attributes: { to: { int: type } },
      });
    return side === 'in'
      ? this.#inputs.map((name) => cast(name, `${name}/half`, elementType.float16))
      : this.#outputs.map((name) => cast(`${name}/half`, name, elementType.float32));
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
