/**
 * Sets weights to zero that are closer to zero than the smallest normal float32. Training leaves them in channels that it has given up.
 * They change no result that is not itself that small, but processors of Intel take a hundred times as long for each product with one.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../formats/onnx/graph.ts';
import { mapGraphs, mapOrSame } from '../../formats/onnx/inner-graphs.ts';
import { floatsOf, tensorFromFloats } from '../../formats/onnx/tensor.ts';

/** Smallest normal float32. Source: IEEE 754-2019, binary32. */
const leastNormal = 2 ** -126;

/** The graph with such weights as zeros, those of its bodies too; the given graph itself if it has none. */
export const flushSubnormals = (graph: GraphProto): GraphProto =>
  mapGraphs(graph, (each) => {
    const initializer = mapOrSame(each.initializer, flushTensor);
    return initializer === each.initializer ? each : copyWith(each, { initializer });
  });

const flushTensor = (tensor: TensorProto): TensorProto => {
  if (tensor.dataType !== elementType.float32) return tensor;
  const values = floatsOf(tensor);
  if (!values.some(isSubnormal)) return tensor;
  const flushed = values.map((value) => (isSubnormal(value) ? 0 : value));
  return tensorFromFloats(tensor.name, tensor.dims.map(Number), flushed);
};

const isSubnormal = (value: number): boolean => value !== 0 && value < leastNormal && value > -leastNormal;
