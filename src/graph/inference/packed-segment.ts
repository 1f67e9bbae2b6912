/**
 * A segment in the form that is sent to another thread: bytes and names, so that weights are in memory twice only while
 * they are sent.
 */
import { serializeModel } from '../../formats/onnx/model.ts';
import type { Segment } from './segments.ts';

/** A serialized segment. */
export type PackedSegment = {
  /** An ONNX file. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Tensors that no later segment reads. */
  readonly done: readonly string[];
};

/** Serializes the segment at `index`. Each call makes new bytes, because the receiver takes ownership. */
export const packSegment = (segments: readonly Segment[], index: number): PackedSegment => {
  const { model, inputs, outputs } = segments[index]!;
  const later = new Set(segments.slice(index + 1).flatMap((each) => each.inputs));
  const done = [...new Set([...inputs, ...outputs])].filter((name) => !later.has(name));
  return { model: serializeModel(model) as Uint8Array<ArrayBuffer>, inputs, outputs, done };
};
