/** Runs the segments of a graph in order and frees each tensor as soon as no later segment needs it. */
import { type InferenceSession, Tensor } from './onnxruntime.ts';
import type { PackedSegment } from './packed-segment.ts';
import { createSession, type FloatTensor, runSession, sessionOptions } from './session.ts';

/** Called with the name and the values of a tensor. */
export type Visit = (tensor: string, values: Float32Array) => void;

type OpenedSegment = Omit<PackedSegment, 'model'> & { readonly session: InferenceSession };

/** One thread per session, so that results are bit-identical on any machine. */
const options = sessionOptions({ optimisation: 'disabled', threads: 1, prepacking: false, arena: false });

/** Sessions of all segments of one graph. */
export class SegmentRunner {
  readonly #segments: OpenedSegment[] = [];

  /**
   * Adds the next segment and frees its bytes.
   * @throws UserError as `createSession`
   */
  async open({ model, inputs, outputs, done }: PackedSegment): Promise<void> {
    const session = await createSession(model, options);
    model.buffer.transfer(0);
    this.#segments.push({ session, inputs, outputs, done });
  }

  /**
   * Calls `visit` for every float output of a segment; its values are valid during the call only. The input's memory is
   * freed as well.
   * @throws UserError as `runSession`
   */
  async run(input: string, { data, dims }: FloatTensor, visit: Visit): Promise<void> {
    const held = new Map<string, Tensor>([[input, new Tensor('float32', data, dims)]]);
    for (const { session, inputs, outputs, done } of this.#segments) {
      const feeds = Object.fromEntries(inputs.map((name) => [name, held.get(name)!]));
      const results = await runSession(session, feeds, outputs);
      for (const name of outputs) {
        const tensor = results[name] as Tensor;
        held.set(name, tensor);
        if (tensor.type === 'float32') visit(name, tensor.data as Float32Array);
      }
      for (const name of done) freeTensor(held, name);
    }
  }

  /** Releases all sessions. */
  async close(): Promise<void> {
    for (const { session } of this.#segments) await session.release();
  }
}

/** Frees a tensor immediately; garbage collection would wait until hundreds of megabytes have accumulated. */
const freeTensor = (held: Map<string, Tensor>, name: string): void => {
  const { data } = held.get(name)!;
  held.delete(name);
  if (ArrayBuffer.isView(data)) (data.buffer as ArrayBuffer).transfer(0);
};
