/** Operators that scaling of channels passes: f(x·c) = f(x)·c for c > 0, if limits are scaled too. */
import type { NodeProto, TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { attributeOf, intsOf, stringOf } from '../../../formats/onnx/node.ts';
import { floatsOf, integersOf } from '../../../formats/onnx/tensor.ts';

/** What the tests of a node need of its graph. */
export type KnownConstants = { readonly opset: number; readonly constants: ReadonlyMap<string, TensorProto> };

/** First opset whose Min and Max broadcast. */
const broadcastingOpset = 8;

/** Whether scaling passes a node, through its first input. */
export const isPassed = (node: NodeProto, known: KnownConstants): boolean => {
  if (node.domain !== '') return false;
  if (node.opType === 'Pad') return padsPixelsOnly(node, known);
  if (hasLimits(node)) return known.opset >= broadcastingOpset && limitsOf(node, known) !== undefined;
  return homogeneous.has(node.opType) && node.input.slice(1).every((name) => known.constants.has(name));
};

const homogeneous: ReadonlySet<string> = new Set(
  'Relu LeakyRelu PRelu Identity Dropout MaxPool AveragePool GlobalAveragePool GlobalMaxPool'.split(' '),
);

/** Whether a node compares with numbers, which are scaled with the channels. */
export const hasLimits = ({ opType }: NodeProto): boolean => ['Clip', 'Min', 'Max'].includes(opType);

/** The node computes min(max(x, low), high). */
export type Limits = { readonly low: number; readonly high: number };

/** Limits of a Clip, or of a Min or Max with one number; undefined if they are computed or per channel. */
export const limitsOf = (node: NodeProto, { constants }: KnownConstants): Limits | undefined => {
  const numberOf = (name: string | undefined): number | undefined => {
    const values = name ? constants.get(name) : undefined;
    return values && floatsOf(values).length === 1 ? floatsOf(values)[0] : undefined;
  };
  if (node.opType !== 'Clip') {
    const limit = node.input.length === 2 ? numberOf(node.input[1]) : undefined;
    if (limit === undefined) return undefined;
    return node.opType === 'Min' ? { ...unlimited, high: limit } : { ...unlimited, low: limit };
  }
  const side = (index: number, name: string, absent: number): number | undefined =>
    node.input[index] ? numberOf(node.input[index]) : (attributeOf(node, name)?.f ?? absent);
  const [low, high] = [side(1, 'min', unlimited.low), side(2, 'max', unlimited.high)];
  const isClip = low !== undefined && high !== undefined && (low > unlimited.low || high < unlimited.high);
  return isClip ? { low, high } : undefined;
};

const unlimited: Limits = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** Whether a Pad adds zeros or mirrored pixels, and no channels or images. */
const padsPixelsOnly = (node: NodeProto, { constants }: KnownConstants): boolean => {
  const pads = node.input[1] ? constantIntegers(constants.get(node.input[1])) : intsOf(node, 'pads');
  if (!pads || (node.input[3] ?? '') !== '') return false;
  const isPlain = [0, 1].every((axis) => pads[axis] === 0 && pads[axis + pads.length / 2] === 0);
  if (stringOf(node, 'mode', 'constant') !== 'constant') return isPlain;
  const value = node.input[2] ? constants.get(node.input[2]) : undefined;
  if (node.input[2] && !value) return false;
  return isPlain && (value ? floatsOf(value)[0] === 0 : (attributeOf(node, 'value')?.f ?? 0) === 0);
};

const constantIntegers = (tensor: TensorProto | undefined): readonly number[] | undefined =>
  tensor && integersOf(tensor);
