/** A segment as it goes to another thread: bytes and names, no weight twice in memory for longer than the way takes. */
import { serializeModel } from '../../formats/onnx/model.ts';
import type { Segment } from './segments.ts';

export type PackedSegment = {
  /** An ONNX file. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Tensors that no later segment reads. */
  readonly done: readonly string[];
};

/** The segment at `index`; its bytes are made anew for every call, for a receiver takes them over. */
export const packedSegment = (segments: readonly Segment[], index: number): PackedSegment => {
  const { model, inputs, outputs } = segments[index]!;
  const later = new Set(segments.slice(index + 1).flatMap((each) => each.inputs));
  const done = [...new Set([...inputs, ...outputs])].filter((name) => !later.has(name));
  return { model: serializeModel(model) as Uint8Array<ArrayBuffer>, inputs, outputs, done };
};
