/**
 * Sets weights to zero that are closer to zero than the smallest normal float32. Training leaves them in channels that it has given up.
 * They change no result that is not itself that small, but processors of Intel take a hundred times as long for each product with one.
 */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { GraphProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { copyWith } from '../../formats/onnx/graph.ts';
import { mapGraphs, mapOrSame } from '../../formats/onnx/inner-graphs.ts';
import { floatsOf, tensorFromFloats } from '../../formats/onnx/tensor.ts';
import { remember } from '../../ground/base/remember.ts';

/** Bits of a float32. Source: IEEE 754-2019, binary32. */
const exponent = 0x7f800000;
const fraction = 0x007fffff;

/** The graph with such weights as zeros, those of its bodies too; the given graph itself if it has none. */
export const flushSubnormals = (graph: GraphProto): GraphProto =>
  mapGraphs(graph, (each) => {
    const initializer = mapOrSame(each.initializer, flushTensor);
    return initializer === each.initializer ? each : copyWith(each, { initializer });
  });

/** Remembered, because several graphs of one export share their weights. */
const flushTensor = remember((tensor: TensorProto): TensorProto => {
  if (tensor.dataType !== elementType.float32) return tensor;
  const isRaw = tensor.rawData.length > 0;
  if (!hasSubnormal(isRaw ? tensor.rawData : new Uint8Array(floatsOf(tensor).buffer))) return tensor;
  const values = floatsOf(tensor);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const flushed = bits.map((each) => (isSubnormal(each) ? 0 : each));
  return tensorFromFloats(tensor.name, tensor.dims.map(Number), new Float32Array(flushed.buffer));
});

/**
 * Looks at the bytes, little-endian, because a copy with aligned values takes as long as the search, and every weight of a network is
 * looked at.
 */
const hasSubnormal = (bytes: Uint8Array): boolean => {
  for (let at = 0; at < bytes.length; at += 4) {
    const hasExponent = (bytes[at + 3]! & 0x7f) !== 0 || bytes[at + 2]! >= 0x80;
    if (!hasExponent && (bytes[at]! | bytes[at + 1]! | bytes[at + 2]!) !== 0) return true;
  }
  return false;
};

const isSubnormal = (bits: number): boolean => (bits & exponent) === 0 && (bits & fraction) !== 0;
