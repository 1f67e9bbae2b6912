/** Lower bounds for the ranks of tensors, as far as the graph alone determines them. */
import type { GraphProto, NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { initializerMap, shapeOf } from '../../formats/onnx/graph.ts';
import { integersOf } from '../../formats/onnx/tensor.ts';

/** Minimum rank by tensor name; 0 if unknown. */
export const findLeastRanks = (graph: GraphProto): ReadonlyMap<string, number> => {
  const ranks = new Map<string, number>();
  for (const value of [...graph.input, ...graph.valueInfo])
    ranks.set(value.name, shapeOf(value)?.length ?? 0);
  const constants = initializerMap(graph);
  for (const { name, dims } of constants.values()) ranks.set(name, dims.length);
  for (const node of graph.node) {
    const [first = 0, ...others] = node.input.map((name) => ranks.get(name) ?? 0);
    const rank = rankOf(node, { first, largest: Math.max(first, ...others), constants });
    for (const name of node.output) ranks.set(name, Math.max(rank, ranks.get(name) ?? 0));
  }
  return ranks;
};

type KnownRanks = {
  readonly first: number;
  readonly largest: number;
  readonly constants: ReadonlyMap<string, TensorProto>;
};

const rankOf = ({ opType, input }: NodeProto, { first, largest, constants }: KnownRanks): number => {
  if (broadcasting.has(opType)) return largest;
  if (rankPreserving.has(opType)) return first;
  const shape = constants.get(input[1] ?? '');
  switch (opType) {
    case 'Reshape':
      return shape?.dims.length === 1 ? Number(shape.dims[0]) : 0;
    case 'Unsqueeze':
      return shape && first > 0 ? first + integersOf(shape).length : 0;
    case 'Flatten':
    case 'Gemm':
      return 2;
    case 'MatMul':
      return first > 1 ? Math.max(first, ...(shape ? [shape.dims.length] : [])) : 0;
    default:
      return 0;
  }
};

/** The result has the shape that all operands are broadcast to. */
const broadcasting: ReadonlySet<string> = new Set(
  'Add Sub Mul Div Pow Min Max Sum Mean Where Mod PRelu'.split(' '),
);

/** The result has the rank of the first input. */
const rankPreserving: ReadonlySet<string> = new Set(
  `Conv ConvTranspose MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool BatchNormalization
   InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LpNormalization Softmax LogSoftmax
   Relu LeakyRelu Elu Selu Celu Sigmoid HardSigmoid HardSwish Tanh Gelu Mish Softplus Softsign ThresholdedRelu Erf
   Sqrt Exp Log Neg Abs Reciprocal Clip Cast Identity Dropout Transpose Concat Pad Resize Slice Tile`.split(
    /\s+/,
  ),
);
