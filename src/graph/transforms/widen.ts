/**
 * Converts a graph that computes in float16 or bfloat16 to float32, with the same names, so that its tensors can be
 * measured and its weights quantised. Weights keep the values that they have in half precision.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfoProto,
} from '../../formats/onnx/generated/onnx_pb.ts';
import {
  allNodes,
  copyWith,
  elementTypeOf,
  graphOf,
  makeValueInfo,
  shapeOf,
} from '../../formats/onnx/graph.ts';
import { floatsOf, tensorFromFloats } from '../../formats/onnx/tensor.ts';
import { listTensors } from '../../formats/onnx/tensors-in.ts';

const halves: ReadonlySet<number> = new Set([elementType.float16, elementType.bfloat16]);

/** Attributes that set the type of a node's output. */
const typeAttributes: ReadonlySet<string> = new Set(['to', 'dtype', 'output_datatype']);

/** The float32 model; the given model itself if it has no half-precision tensors. */
export const widenToFloat = (model: ModelProto): ModelProto => {
  if (!hasHalves(model)) return model;
  return copyWith(model, {
    graph: wideGraph(graphOf(model)),
    functions: model.functions.map((each) => copyWith(each, { node: each.node.map(wideNode) })),
  });
};

const hasHalves = (model: ModelProto): boolean =>
  listTensors(model).some(({ dataType }) => halves.has(dataType)) ||
  allNodes(model).some(({ attribute }) => attribute.some(namesHalf)) ||
  graphOf(model).input.some(isHalf);

const namesHalf = ({ name, i }: AttributeProto): boolean => typeAttributes.has(name) && halves.has(Number(i));

const isHalf = (value: ValueInfoProto): boolean => halves.has(elementTypeOf(value) ?? 0);

const wideGraph = (graph: GraphProto): GraphProto =>
  copyWith(graph, {
    node: graph.node.map(wideNode),
    initializer: graph.initializer.map(wideTensor),
    input: graph.input.map(wideValue),
    output: graph.output.map(wideValue),
    valueInfo: graph.valueInfo.map(wideValue),
  });

const wideNode = (node: NodeProto): NodeProto =>
  copyWith(node, { attribute: node.attribute.map(wideAttribute) });

const wideAttribute = (attribute: AttributeProto): AttributeProto => {
  const { t, g, graphs } = attribute;
  return copyWith(attribute, {
    ...(namesHalf(attribute) && { i: BigInt(elementType.float32) }),
    ...(t && { t: wideTensor(t) }),
    ...(g && { g: wideGraph(g) }),
    graphs: graphs.map(wideGraph),
  });
};

const wideTensor = (tensor: TensorProto): TensorProto =>
  halves.has(tensor.dataType)
    ? tensorFromFloats(tensor.name, tensor.dims.map(Number), floatsOf(tensor))
    : tensor;

const wideValue = (value: ValueInfoProto): ValueInfoProto =>
  isHalf(value) ? makeValueInfo(value.name, elementType.float32, shapeOf(value)) : value;
