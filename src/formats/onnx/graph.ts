/**
 * Queries on ONNX graphs, and small pure changes: nothing here modifies its argument. Tensors are in tensor.ts, nodes
 * and attributes in node.ts.
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
  OperatorSetIdProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './generated/onnx_pb.ts';
import { attributeOf, tensorOf } from './node.ts';
import { elementCountOf, tensorFromFloats, tensorFromInt64s } from './tensor.ts';

/** A fixed size, the name of a dynamic dimension (`N`), or undefined if unknown. */
export type Dimension = number | string | undefined;

/**
 * Returns the graph of a model.
 * @throws UserError ModelInvalid if it has none
 */
export const graphOf = (model: ModelProto): GraphProto => {
  if (!model.graph)
    throw new UserError('ModelInvalid', 'Reading the ONNX model: it has no graph. Export it again.');
  return model.graph;
};

/** Graph inputs that must be fed: those without an initializer (before IR 4 initializers are inputs, too). */
export const inputsOf = (graph: GraphProto): ValueInfoProto[] => {
  const filled = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !filled.has(name));
};

/** Graph outputs in order. */
export const outputsOf = (graph: GraphProto): ValueInfoProto[] => graph.output;

/** Initializers by name. */
export const initializerMap = (graph: GraphProto): Map<string, TensorProto> =>
  new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));

/** Shape of a value; undefined if its rank is unknown. */
export const shapeOf = ({ type }: ValueInfoProto): Dimension[] | undefined => {
  if (type?.value.case !== 'tensorType') return undefined;
  return type.value.value.shape?.dim.map(({ value }) => {
    if (value.case === 'dimValue') return value.value < 0n ? undefined : Number(value.value);
    return value.value || undefined;
  });
};

/** Number of the element type (`elementType.float32` is 1); undefined for a sequence, a map or an untyped value. */
export const elementTypeOf = ({ type }: ValueInfoProto): number | undefined =>
  type?.value.case === 'tensorType' ? type.value.value.elemType : undefined;

/** Whether a domain is that of ONNX's own operators: empty, or its long name. In normal form it is empty. */
export const isDefaultDomain = (domain: string): boolean => domain === '' || domain === 'ai.onnx';

/**
 * Opset version of the default domain.
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

/** The model with an operator set that it may not import yet. */
export const importDomain = (model: ModelProto, domain: string, version: number): ModelProto => {
  if (model.opsetImport.some((each) => each.domain === domain)) return model;
  const added = create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) });
  return copyWith(model, { opsetImport: [...model.opsetImport, added] });
};

/** Yields the graph and every graph inside it (branches of If, bodies of Loop and Scan), outermost first. */
export function* graphsOf(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const { g, graphs } of graph.node.flatMap(({ attribute }) => attribute))
    for (const inner of g ? [g, ...graphs] : graphs) yield* graphsOf(inner);
}

/** Every node of the model, including those of inner graphs and functions. */
export const allNodes = (model: ModelProto): NodeProto[] => [
  ...[...graphsOf(graphOf(model))].flatMap(({ node }) => node),
  ...model.functions.flatMap(({ node }) => node),
];

/** Whether the model was trained with quantisation: its graph has QuantizeLinear or DequantizeLinear nodes. */
export const isQat = (model: ModelProto): boolean =>
  allNodes(model).some(({ opType }) => opType === 'QuantizeLinear' || opType === 'DequantizeLinear');

/** Number of weights: elements of float and 8-bit constants. Other integer constants are shapes and indices. */
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

/** Turns Constant nodes into initializers, so that a constant has one form; the same graph if it has none. String and sparse constants stay. */
export const foldConstants = (graph: GraphProto): GraphProto => {
  const folded = new Map<NodeProto, TensorProto>();
  for (const node of graph.node) {
    const value = node.opType === 'Constant' && node.domain === '' ? makeConstantTensor(node) : undefined;
    if (value) folded.set(node, value);
  }
  if (folded.size === 0) return graph;
  return copyWith(graph, {
    node: graph.node.filter((node) => !folded.has(node)),
    initializer: [...graph.initializer, ...folded.values()],
  });
};

const makeConstantTensor = (node: NodeProto): TensorProto | undefined => {
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

/** Makes a shallow copy with some fields replaced. A spread would lose the prototype that holds proto2's defaults. */
export const copyWith = <T extends object>(message: T, changes: Partial<T>): T =>
  Object.assign(Object.create(Object.getPrototypeOf(message)), message, changes);

/** The model with another graph; the same model if it is its own. */
export const withGraph = (model: ModelProto, graph: GraphProto): ModelProto =>
  graph === model.graph ? model : copyWith(model, { graph });

/** Makes the declaration of a tensor; undefined `shape` leaves its rank open. */
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
        value: { elemType, ...(shape === undefined ? {} : { shape: { dim: shape.map(makeDimension) } }) },
      },
    },
  });

/** Makes a declaration with a name only; the runtime infers the type. */
export const makeUntypedValueInfo = (name: string): ValueInfoProto => create(ValueInfoProtoSchema, { name });

const makeDimension = (size: Dimension) => {
  if (size === undefined) return {};
  return typeof size === 'number'
    ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
    : { value: { case: 'dimParam' as const, value: size } };
};

/** What a graph is made of. */
export type GraphParts = {
  readonly name: string;
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly nodes: readonly NodeProto[];
  readonly initializers?: readonly TensorProto[];
};

/** Makes a graph. */
export const makeGraph = ({ name, inputs, outputs, nodes, initializers }: GraphParts): GraphProto =>
  create(GraphProtoSchema, {
    name,
    input: [...inputs],
    output: [...outputs],
    node: [...nodes],
    initializer: [...(initializers ?? [])],
  });

/** Makes a model with one graph, IR version 8 (for opset 13 to 18 and every current reader). */
export const makeModel = ({ opset, ...parts }: GraphParts & { readonly opset: number }): ModelProto =>
  create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: installation.operator,
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: makeGraph(parts),
  });
