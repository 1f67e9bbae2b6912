/**
 * Questions about an ONNX graph, and small pure changes to it: nothing here alters its argument.
 * Tensors are in tensor.ts, nodes and attributes in node.ts.
 */

import { create } from '@bufbuild/protobuf';
import { UserError } from '../../ground/base/errors.ts';
import { installation } from '../../ground/contract/installation.ts';
import { elementType } from './element-type.ts';
import {
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import { attributeOf, tensorOf } from './node.ts';
import { elementCountOf, tensorFromFloats, tensorFromInt64s } from './tensor.ts';

/** A fixed size, the name of a free one (`N`), or nothing known. */
export type Dimension = number | string | undefined;

/** The graph of a model that `parseModel` accepted. */
export const graphOf = (model: ModelProto): GraphProto => {
  if (!model.graph)
    throw new UserError('ModelInvalid', 'Reading the ONNX model: it has no graph. Export it again.');
  return model.graph;
};

/** What must be fed: graph inputs without those that an initializer fills (before IR 4 those are listed too). */
export const inputsOf = (graph: GraphProto): ValueInfoProto[] => {
  const filled = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !filled.has(name));
};

export const outputsOf = (graph: GraphProto): ValueInfoProto[] => graph.output;

export const initializerMap = (graph: GraphProto): Map<string, TensorProto> =>
  new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));

/** The tensor's shape, or undefined where not even its rank is known. */
export const shapeOf = ({ type }: ValueInfoProto): Dimension[] | undefined => {
  if (type?.value.case !== 'tensorType') return undefined;
  return type.value.value.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return value.value < 0n ? undefined : Number(value.value);
    return value.value || undefined;
  });
};

/** The number of the element type (`elementType.float32` is 1), or undefined for a sequence, a map or nothing said. */
export const elementTypeOf = ({ type }: ValueInfoProto): number | undefined =>
  type?.value.case === 'tensorType' ? type.value.value.elemType : undefined;

/** ONNX's own operators have no domain, or its long name. In a model in normal form they have none. */
export const isDefaultDomain = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/**
 * Version of the operator set of the default domain.
 * @throws UserError ModelInvalid if none is imported
 */
export const opsetOf = (model: ModelProto): number => {
  const opset = model.opsetImport.find(({ domain }) => isDefaultDomain(domain));
  if (!opset)
    throw new UserError(
      'ModelInvalid',
      'Reading the ONNX model: it imports no ai.onnx operator set. Export it again.',
    );
  return Number(opset.version);
};

/** The graph and every graph inside it (branches of If, bodies of Loop), outermost first. */
export function* graphsOf(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const { g, graphs } of graph.node.flatMap(({ attribute }) => attribute))
    for (const inner of g ? [g, ...graphs] : graphs) yield* graphsOf(inner);
}

/** Every node of the model, those of inner graphs and of functions included. */
export const allNodes = (model: ModelProto): NodeProto[] => [
  ...[...graphsOf(graphOf(model))].flatMap(({ node }) => node),
  ...model.functions.flatMap(({ node }) => node),
];

/** Trained with quantisation: scales stand in the graph as QuantizeLinear/DequantizeLinear pairs. */
export const isQat = (model: ModelProto): boolean =>
  allNodes(model).some(({ opType }) => opType === 'QuantizeLinear' || opType === 'DequantizeLinear');

/** Number of weights: elements of float and 8-bit constants. Integer constants are shapes and indices, not weights. */
export const parameterCount = (model: ModelProto): number => {
  const tensors = [...graphsOf(graphOf(model))].flatMap(({ initializer, node }) => [
    ...initializer,
    ...node.flatMap((each) => (each.opType === 'Constant' ? (tensorOf(each, 'value') ?? []) : [])),
  ]);
  return tensors
    .filter(({ dataType }) => weightTypes.has(dataType))
    .reduce((total, tensor) => total + elementCountOf(tensor), 0);
};

const weightTypes: ReadonlySet<number> = new Set([
  elementType.float32,
  elementType.float16,
  elementType.bfloat16,
  elementType.float64,
  elementType.int8,
  elementType.uint8,
]);

/** The graph with its Constant nodes as initializers, so that a constant has one form. Strings and sparse ones stay. */
export const foldConstants = (graph: GraphProto): GraphProto => {
  const folded = new Map<NodeProto, TensorProto>();
  for (const node of graph.node) {
    const value = node.opType === 'Constant' && node.domain === '' ? constantValue(node) : undefined;
    if (value) folded.set(node, value);
  }
  return copyWith(graph, {
    node: graph.node.filter((node) => !folded.has(node)),
    initializer: [...graph.initializer, ...folded.values()],
  });
};

const constantValue = (node: NodeProto): TensorProto | undefined => {
  const name = node.output[0] ?? '';
  const tensor = tensorOf(node, 'value');
  if (tensor) return copyWith(tensor, { name });
  const attribute = attributeOf(node, node.attribute[0]?.name ?? '');
  switch (attribute?.name) {
    case 'value_float':
      return tensorFromFloats(name, [], Float32Array.of(attribute.f));
    case 'value_floats':
      return tensorFromFloats(name, [attribute.floats.length], Float32Array.from(attribute.floats));
    case 'value_int':
      return tensorFromInt64s(name, [], [Number(attribute.i)]);
    case 'value_ints':
      return tensorFromInt64s(name, [attribute.ints.length], attribute.ints.map(Number));
    default:
      return undefined;
  }
};

/** A shallow copy with some fields replaced. (A spread would lose the prototype that holds proto2's defaults.) */
export const copyWith = <T extends object>(message: T, changes: Partial<T>): T =>
  Object.assign(Object.create(Object.getPrototypeOf(message)), message, changes);

/** A graph input, output or inner tensor with its type; `shape` undefined says nothing of the rank. */
export const makeValueInfo = (
  name: string,
  elemType: number,
  shape: readonly Dimension[] | undefined,
): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: { elemType, ...(shape === undefined ? {} : { shape: { dim: shape.map(dimension) } }) },
      },
    },
  });

/** A value of which only the name is known; whoever loads the model infers its type. */
export const makeUntypedValueInfo = (name: string): ValueInfoProto => create(ValueInfoProtoSchema, { name });

const dimension = (size: Dimension) => {
  if (size === undefined) return {};
  return typeof size === 'number'
    ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
    : { value: { case: 'dimParam' as const, value: size } };
};

export type GraphParts = {
  readonly name: string;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly nodes: readonly NodeProto[];
  readonly initializers?: readonly TensorProto[];
};

export const makeGraph = ({ name, inputs, outputs, nodes, initializers }: GraphParts): GraphProto =>
  create(GraphProtoSchema, {
    name,
    input: [...inputs],
    output: [...outputs],
    node: [...nodes],
    initializer: [...(initializers ?? [])],
  });

/** A whole model around a graph, IR version 8 (opset 13 to 18 and every reader of today). */
export const makeModel = ({ opset, ...parts }: GraphParts & { readonly opset: number }): ModelProto =>
  create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: installation.operator,
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: makeGraph(parts),
  });
