/** Lists every TensorProto of a model. */
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  SparseTensorProto,
  TensorProto,
} from './generated/onnx_pb.ts';

/** Lists the tensors in file order: initializers, then node attributes, inner graphs included. */
export const listTensors = (model: ModelProto): TensorProto[] => [
  ...(model.graph ? listInGraph(model.graph) : []),
  ...model.functions.flatMap(({ node, attributeProto }) => [
    ...listInAttributes(node.flatMap(({ attribute }) => attribute)),
    ...listInAttributes(attributeProto),
  ]),
];

const listInGraph = ({ initializer, sparseInitializer, node }: GraphProto): TensorProto[] => [
  ...initializer,
  ...sparseInitializer.flatMap(listInSparse),
  ...listInAttributes(node.flatMap(({ attribute }) => attribute)),
];

const listInAttributes = (attributes: readonly AttributeProto[]): TensorProto[] =>
  attributes.flatMap(({ t, tensors, g, graphs, sparseTensor, sparseTensors }) => [
    ...(t ? [t] : []),
    ...tensors,
    ...(g ? listInGraph(g) : []),
    ...graphs.flatMap(listInGraph),
    ...(sparseTensor ? listInSparse(sparseTensor) : []),
    ...sparseTensors.flatMap(listInSparse),
  ]);

const listInSparse = ({ values, indices }: SparseTensorProto): TensorProto[] =>
  [values, indices].filter((tensor) => tensor !== undefined);
