/** What stays in the place of a pair that cuts values off: a Clip of an activation, or a weight whose values are cut. */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { NodeProto, TensorProto } from '../../formats/onnx/generated/onnx_pb.ts';
import { intOf, makeNode } from '../../formats/onnx/node.ts';
import { floatsOf, tensorFromFloat16s, tensorFromFloats } from '../../formats/onnx/tensor.ts';
import type { Ends } from './qat-cut.ts';
import { channelIndex } from './qat-quantiser.ts';

export type ClipPlace = {
  readonly from: string;
  readonly to: string;
  readonly opset: number;
  /** Number of the element type that the pair gives. */
  readonly dataType: number;
};

/** The opset in which the bounds became inputs. */
const boundsAsInputs = 11;

/** The node and its bounds; `ends` holds one value for each side. */
export const clipOf = (
  { low, high }: Ends,
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

/** The weight as the pair lets it through, but not rounded; undefined where less than half a step is cut off. */
export const cutWeight = (
  weight: TensorProto,
  { low, high, step }: Ends,
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
