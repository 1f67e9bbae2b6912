/**
 * A pair of QuantizeLinear and DequantizeLinear rounds, and it saturates at the ends of its integers. Where these lie
 * alike on both sides of zero that is the range of the training, as int8 engines have it. Where they do not, the pair is
 * also a Relu or a Clip, which quantisers drop from the graph since the integers do its work.
 */
import type { Quantiser } from './qat-quantiser.ts';

/** What comes out of the pair is min(max(x, low), high), rounded: one value, or one for each channel. */
export type Ends = {
  readonly low: Float32Array;
  readonly high: Float32Array;
  /** From one level to the next. */
  readonly step: Float32Array;
};

/** Why it cannot be known what a pair cuts off. */
export type UnknownEnds = { readonly unknown: string };

/** Least and largest integer, by their type's name here or by its number in onnx.proto. */
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

/** float8 and float4 have a sign, so their ends are alike. */
const floats: ReadonlySet<string> = new Set(['type 17', 'type 18', 'type 19', 'type 20', 'type 23']);

/** Whether both sides end alike, give or take one level, whatever the scale is; a sure no if that is not known. */
export const endsAlike = ({ zeroPoint, type }: Quantiser): boolean => {
  const [least, most] = integers[type] ?? [];
  if (least === undefined || most === undefined) return floats.has(type);
  const middle = (least + most + 1) / 2;
  return zeroPoint !== undefined && zerosOf(zeroPoint).every((zero) => Math.abs(zero - middle) <= 1);
};

export const endsOf = ({ scale, zeroPoint, type }: Quantiser): Ends | UnknownEnds => {
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

export const areUnknown = (ends: Ends | UnknownEnds): ends is UnknownEnds => 'unknown' in ends;
