/**
 * Integers of weights, computed once for all readers and all calibration methods: they depend on the scales of the data only where
 * a bias is large.
 */
import type { TensorProto } from '../../../formats/onnx/generated/onnx_pb.ts';
import { type Channels, quantiseChannels } from './integer-tensors.ts';

/** Levels of a weight, in its layout. */
export type WeightLevels = Channels & { readonly levels: Uint8Array };

/** What was quantised before. */
export class WeightIntegers {
  readonly #known = new Map<TensorProto, WeightLevels[]>();

  /** The same object for the same weight, axis and scales. */
  of(weight: TensorProto, { axis, scales }: Channels): WeightLevels {
    const known = this.#known.get(weight) ?? [];
    const found = known.find((each) => each.axis === axis && isEqual(each.scales, scales));
    if (found) return found;
    const made = { axis, scales, levels: quantiseChannels(weight, { axis, scales }) };
    this.#known.set(weight, [...known, made]);
    return made;
  }
}

const isEqual = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);
