/**
 * A pair of QuantizeLinear and DequantizeLinear rounds and saturates. If it saturates symmetrically, that is the
 * trained range, as int8 engines use it. If not, the pair also acts as a Relu or a Clip, which quantisers remove from
 * the graph because the integer range replaces it.
 */
import type { Quantiser } from './qat-quantiser.ts';

/** The pair computes min(max(x, low), high), rounded. One value each, or one per channel. */
export type ClipRange = {
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** Quantisation step. */
  readonly step: Float32Array;
};

/** Why the clip range cannot be determined. */
export type UnknownClipRange = { readonly unknown: string };

/** Smallest and largest integer by type name, or by the number in onnx.proto. */
const integers: Readonly<Record<string, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  'type 22': [-8, 7], // int4
  'type 21': [0, 15], // uint4
  'type 26': [-2, 1], // int2
  'type 25': [0, 3], // uint2
};

/** float8 and float4 are signed and therefore symmetric. */
const floats: ReadonlySet<string> = new Set(['type 17', 'type 18', 'type 19', 'type 20', 'type 23']);

/** Whether the range is symmetric to within one level for any scale; false if that is unknown. */
export const isSymmetric = ({ zeroPoint, type }: Quantiser): boolean => {
  const [least, most] = integers[type] ?? [];
  if (least === undefined || most === undefined) return floats.has(type);
  const middle = (least + most + 1) / 2;
  return zeroPoint !== undefined && zerosOf(zeroPoint).every((zero) => Math.abs(zero - middle) <= 1);
};

/** The range to which a pair clips, or why it is unknown. */
export const clipRangeOf = ({ scale, zeroPoint, type }: Quantiser): ClipRange | UnknownClipRange => {
  const [least, most] = integers[type] ?? [];
  if (least === undefined || most === undefined) return { unknown: `its integers are of ${type}` };
  if (!zeroPoint) return { unknown: 'its zero point is computed by the graph' };
  if (!scale) return { unknown: 'its scale is computed by the graph' };
  const wrong = scale.find((size) => !(size > 0 && Number.isFinite(size)));
  if (wrong !== undefined) return { unknown: `its scale is ${wrong}` };
  const zeros = zerosOf(zeroPoint);
  const end = (level: number) => scale.map((size, i) => (level - zeros[i % zeros.length]!) * size);
  return { low: end(least), high: end(most), step: scale };
};

const zerosOf = (zeroPoint: Float32Array): Float32Array =>
  zeroPoint.length === 0 ? Float32Array.of(0) : zeroPoint;

/** Whether the range is unknown. */
export const isUnknownRange = (ends: ClipRange | UnknownClipRange): ends is UnknownClipRange =>
  'unknown' in ends;
