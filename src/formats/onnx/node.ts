/** Nodes and their attributes: made in one call, read with the operator's own default. */
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

/** An attribute's value with its type named, since a JavaScript number is both an int and a float. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly tensor: TensorProto }
  | { readonly graph: GraphProto };

export type NodeParts = {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
};

/** `makeNode('Conv', { inputs: ['x', 'w'], outputs: ['y'], attributes: { strides: { ints: [2, 2] } } })` */
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

export const makeAttribute = (name: string, value: AttributeValue): AttributeProto =>
  create(AttributeProtoSchema, { name, ...typed(value) });

const typed = (value: AttributeValue) => {
  if ('int' in value) return { type: AttributeType.INT, i: BigInt(value.int) };
  if ('ints' in value) return { type: AttributeType.INTS, ints: value.ints.map(BigInt) };
  if ('float' in value) return { type: AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { type: AttributeType.FLOATS, floats: [...value.floats] };
  if ('string' in value) return { type: AttributeType.STRING, s: new TextEncoder().encode(value.string) };
  if ('graph' in value) return { type: AttributeType.GRAPH, g: value.graph };
  return { type: AttributeType.TENSOR, t: value.tensor };
};

export const attributeOf = (node: NodeProto, name: string): AttributeProto | undefined =>
  node.attribute.find((attribute) => attribute.name === name);

export const intOf = (node: NodeProto, name: string, fallback: number): number => {
  const attribute = attributeOf(node, name);
  return attribute ? Number(attribute.i) : fallback;
};

export const floatOf = (node: NodeProto, name: string, fallback: number): number =>
  attributeOf(node, name)?.f ?? fallback;

export const intsOf = (node: NodeProto, name: string): number[] | undefined =>
  attributeOf(node, name)?.ints.map(Number);

export const stringOf = (node: NodeProto, name: string, fallback: string): string => {
  const attribute = attributeOf(node, name);
  return attribute ? new TextDecoder().decode(attribute.s) : fallback;
};

export const tensorOf = (node: NodeProto, name: string): TensorProto | undefined =>
  attributeOf(node, name)?.t;
