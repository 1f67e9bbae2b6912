/** Every TensorProto of a model, wherever the format lets one stand. */
import type {
  AttributeProto,
  GraphProto,
  ModelProto,
  SparseTensorProto,
  TensorProto,
} from './generated/onnx_pb.ts';

/** In file order: initializers, then attributes of nodes, inner graphs included. */
export const tensorsIn = (model: ModelProto): TensorProto[] => [
  ...(model.graph ? inGraph(model.graph) : []),
  ...model.functions.flatMap(({ node, attributeProto }) => [
    ...inAttributes(node.flatMap(({ attribute }) => attribute)),
    ...inAttributes(attributeProto),
  ]),
];

const inGraph = ({ initializer, sparseInitializer, node }: GraphProto): TensorProto[] => [
  ...initializer,
  ...sparseInitializer.flatMap(inSparse),
  ...inAttributes(node.flatMap(({ attribute }) => attribute)),
];

const inAttributes = (attributes: readonly AttributeProto[]): TensorProto[] =>
  attributes.flatMap(({ t, tensors, g, graphs, sparseTensor, sparseTensors }) => [
    ...(t ? [t] : []),
    ...tensors,
    ...(g ? inGraph(g) : []),
    ...graphs.flatMap(inGraph),
    ...(sparseTensor ? inSparse(sparseTensor) : []),
    ...sparseTensors.flatMap(inSparse),
  ]);

const inSparse = ({ values, indices }: SparseTensorProto): TensorProto[] =>
  [values, indices].filter((tensor) => tensor !== undefined);
