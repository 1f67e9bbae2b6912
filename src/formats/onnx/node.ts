/** Makes nodes in one call, and reads attributes with the operator's default. */
import { create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from './generated/onnx_pb.ts';

/** An attribute value with its type, because a JavaScript number can be an int or a float. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: TensorProto }
  | { readonly graph: GraphProto };

/** What a node is made of, besides its operator. */
export type NodeParts = {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
};

/**
 * Makes a node: `makeNode('Conv', { inputs: ['x', 'w'], outputs: ['y'], attributes: { strides: { ints: [2, 2] } } })`.
 */
export const makeNode = (
  opType: string,
  { inputs, outputs, name, attributes, domain }: NodeParts,
): NodeProto =>
  create(NodeProtoSchema, {
    opType,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes ?? {}).map(([key, value]) => makeAttribute(key, value)),
    ...(name === undefined ? {} : { name }),
    ...(domain === undefined ? {} : { domain }),
  });

/** Makes an attribute. */
export const makeAttribute = (name: string, value: AttributeValue): AttributeProto =>
  create(AttributeProtoSchema, { name, ...toAttributeFields(value) });

const toAttributeFields = (value: AttributeValue) => {
  if ('int' in value) return { type: AttributeType.INT, i: BigInt(value.int) };
  if ('ints' in value) return { type: AttributeType.INTS, ints: value.ints.map(BigInt) };
  if ('float' in value) return { type: AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { type: AttributeType.FLOATS, floats: [...value.floats] };
  if ('string' in value) return { type: AttributeType.STRING, s: new TextEncoder().encode(value.string) };
  if ('graph' in value) return { type: AttributeType.GRAPH, g: value.graph };
  return { type: AttributeType.TENSOR, t: value.tensor };
};

/** Attribute by name, or undefined. */
export const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name);

/** Integer attribute, or the operator's default. */
export const intOf = (node: NodeProto, name: string, fallback: number): number => {
  const attribute = attributeOf(node, name);
  return attribute ? Number(attribute.i) : fallback;
};

/** Float attribute, or the operator's default. */
export const floatOf = (node: NodeProto, name: string, fallback: number): number =>
  attributeOf(node, name)?.f ?? fallback;

/** List of integers, or undefined if the attribute is absent. */
export const intsOf = (node: NodeProto, name: string): number[] | undefined =>
  attributeOf(node, name)?.ints.map(Number);

/** String attribute, or the operator's default. */
export const stringOf = (node: NodeProto, name: string, fallback: string): string => {
  const attribute = attributeOf(node, name);
  return attribute ? new TextDecoder().decode(attribute.s) : fallback;
};

/** Tensor attribute, or undefined. */
export const tensorOf = (node: NodeProto, name: string): TensorProto | undefined =>
  attributeOf(node, name)?.t;
