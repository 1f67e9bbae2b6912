/** Replaces a Q/DQ pair that clips: a Clip for an activation, a clipped constant for a weight. */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { intOf, makeNode } from '../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloat16s, tensorFromFloats } from '../../formats/onnx/tensor.ts';
import type { ClipRange } from './qat-cut.ts';
import { channelIndex } from './qat-quantiser.ts';

/** Where the Clip goes. */
export type ClipPlace = {
  readonly from: string;
  readonly to: string;
  readonly opset: number;
  /** ONNX number of the pair's output type. */
  readonly dataType: number;
};

/** First opset whose Clip has its bounds as inputs. */
const boundsAsInputs = 11;

/** Makes a Clip node and its bounds; `low` and `high` have one value each. */
export const makeClip = (
  { low, high }: ClipRange,
  { from, to, opset, dataType }: ClipPlace,
): { readonly node: NodeProto; readonly bounds: readonly TensorProto[] } => {
  const parts = { name: `${to}/Clip`, outputs: [to] };
  if (opset < boundsAsInputs) {
    const attributes = { min: { float: low[0]! }, max: { float: high[0]! } };
    return { node: makeNode('Clip', { ...parts, inputs: [from], attributes }), bounds: [] };
  }
  const make = dataType === elementType.float16 ? tensorFromFloat16s : tensorFromFloats;
  const bounds = [make(`${to}/low`, [], low), make(`${to}/high`, [], high)];
  return { node: makeNode('Clip', { ...parts, inputs: [from, ...bounds.map(({ name }) => name)] }), bounds };
};

/** Clips a weight without rounding it; undefined if less than half a quantisation step is clipped. */
export const clipWeight = (
  weight: TensorProto,
  { low, high, step }: ClipRange,
  quantise: NodeProto,
): TensorProto | undefined => {
  const dims = weight.dims.map(Number);
  const channelOf = channelIndex(dims, { axis: intOf(quantise, 'axis', 1), scales: low.length });
  const values = floatsOf(weight);
  const cut = values.map((value, i) => Math.min(Math.max(value, low[channelOf(i)]!), high[channelOf(i)]!));
  if (cut.every((value, i) => Math.abs(value - values[i]!) <= step[channelOf(i)]! / 2)) return undefined;
  const make = weight.dataType === elementType.float16 ? tensorFromFloat16s : tensorFromFloats;
  return make(weight.name, dims, cut);
};
