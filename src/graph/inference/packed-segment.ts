/**
 * A segment in the form that is sent to another thread: bytes and names, so that weights are in memory twice only while
 * they are sent.
 */
import { serializeModel } from '../../formats/onnx/model.ts';
import { endBeforeCopies } from './end-before-copies.ts';
import type { OutputPlace } from './output-places.ts';
import type { Segment } from './segments.ts';

/** A serialized segment. */
export type PackedSegment = {
  /** An ONNX file. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Places of all outputs, or of none. */
  readonly places: ReadonlyMap<string, OutputPlace>;
  /** Tensors with memory of their own that no later segment reads. */
  readonly done: readonly string[];
};

/** Serializes the segment at `index`. Each call makes new bytes, because the receiver takes ownership. */
export const packSegment = (
  segments: readonly Segment[],
  index: number,
  allPlaces: ReadonlyMap<string, OutputPlace>,
): PackedSegment => {
  const { model, inputs, outputs } = segments[index]!;
  const later = new Set(segments.slice(index + 1).flatMap((each) => each.inputs));
  const done = [...new Set([...inputs, ...outputs])].filter(
    (name) => !later.has(name) && !allPlaces.has(name),
  );
  const places = new Map([...allPlaces].filter(([name]) => outputs.includes(name)));
  const packed = serializeModel(places.size > 0 ? endBeforeCopies(model) : model);
  return { model: packed as Uint8Array<ArrayBuffer>, inputs, outputs, places, done };
};
