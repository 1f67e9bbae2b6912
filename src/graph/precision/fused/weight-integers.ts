/**
 * Scales and integers of weights, computed once for all readers and all calibration methods: they depend on the scales of the data
 * only where a bias is large.
 */
import type { TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { type Channels, type IntegerType, quantiseChannels, type StoredWeight } from './integer-tensors.ts';
import { type ChannelScales, scaleChannels } from './weight-scales.ts';

/** What was quantised before. */
export class WeightIntegers {
  readonly #known = new Map<TensorProto, StoredWeight[]>();
  readonly #scales = new Map<TensorProto, (ChannelScales & { readonly scales: Float32Array })[]>();

  /** As `scaleChannels`. */
  scalesOf(weight: TensorProto, how: ChannelScales): Float32Array {
    const known = this.#scales.get(weight) ?? [];
    const found = known.find(
      ({ axis, pairsIn16Bits }) => axis === how.axis && pairsIn16Bits === how.pairsIn16Bits,
    );
    if (found) return found.scales;
    const scales = scaleChannels(weight, how);
    this.#scales.set(weight, [...known, { ...how, scales }]);
    return scales;
  }

  /** The same object for the same weight, axis, scales and type. */
  of(weight: TensorProto, { axis, scales }: Channels, type: IntegerType): StoredWeight {
    const known = this.#known.get(weight) ?? [];
    const found = known.find(
      (each) => each.axis === axis && each.type === type && isEqual(each.scales, scales),
    );
    if (found) return found;
    const made = quantiseChannels(weight, { axis, scales }, type);
    this.#known.set(weight, [...known, made]);
    return made;
  }
}

const isEqual = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);
