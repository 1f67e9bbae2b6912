/** Runs the segments of a graph in order and frees each tensor as soon as no later segment needs it. */
import { type InferenceSession, Tensor } from './onnxruntime.ts';
import type { OutputPlace } from './output-places.ts';
import type { PackedSegment } from './packed-segment.ts';
import { createSession, type FloatTensor, runInPlace, runSession, sessionOptions } from './session.ts';

/** Called with the name and the values of a tensor. */
export type Visit = (tensor: string, values: Float32Array) => void;

type Tensors = Readonly<Record<string, Tensor>>;
type OpenedSegment = Omit<PackedSegment, 'model' | 'places'> & {
  readonly session: InferenceSession;
  /** The outputs in the block; undefined if they get new memory in each run. */
  readonly placed: Tensors | undefined;
};

/** One thread per session, so that results are bit-identical on any machine. */
const options = sessionOptions({ optimisation: 'disabled', threads: 1, prepacking: false, arena: false });

/** Sessions of all segments of one graph. */
export class SegmentRunner {
  readonly #block: Uint8Array<ArrayBuffer>;
  readonly #segments: OpenedSegment[] = [];

  /** @param block memory of the placed outputs */
  constructor(block: Uint8Array<ArrayBuffer>) {
    this.#block = block;
  }

  /**
   * Adds the next segment and frees its bytes.
   * @throws UserError as `createSession`
   */
  async open({ model, places, ...segment }: PackedSegment): Promise<void> {
    const session = await createSession(model, options);
    model.buffer.transfer(0);
    const tensors = [...places].map(([name, place]) => [name, this.#tensorAt(place)] as const);
    const placed = tensors.length > 0 ? Object.fromEntries(tensors) : undefined;
    this.#segments.push({ ...segment, session, placed });
  }

  /**
   * Calls `visit` for every float output of a segment; its values are valid during the call only. The input's memory is
   * freed as well.
   * @throws UserError as `runSession`
   */
  async run(input: string, { data, dims }: FloatTensor, visit: Visit): Promise<void> {
    const held = new Map<string, Tensor>([[input, new Tensor('float32', data, dims)]]);
    for (const segment of this.#segments) {
      const results = await runSegment(segment, held);
      for (const name of segment.outputs) {
        const tensor = results[name]!;
        held.set(name, tensor);
        if (tensor.type === 'float32') visit(name, tensor.data as Float32Array);
      }
      for (const name of segment.done) freeTensor(held, name);
    }
  }

  /** Releases all sessions. */
  async close(): Promise<void> {
    for (const { session } of this.#segments) await session.release();
  }

  #tensorAt({ offset, dims }: OutputPlace): Tensor {
    const { buffer, byteOffset } = this.#block;
    const length = dims.reduce((product, size) => product * size, 1);
    return new Tensor('float32', new Float32Array(buffer, byteOffset + offset, length), dims);
  }
}

const runSegment = async (
  { session, inputs, outputs, placed }: OpenedSegment,
  held: ReadonlyMap<string, Tensor>,
): Promise<Tensors> => {
  const feeds = Object.fromEntries(inputs.map((name) => [name, held.get(name)!]));
  if (placed === undefined) return (await runSession(session, feeds, outputs)) as Tensors;
  await runInPlace(session, feeds, placed);
  return placed;
};

/** Frees a tensor immediately; garbage collection would wait until hundreds of megabytes have accumulated. */
const freeTensor = (held: Map<string, Tensor>, name: string): void => {
  const { data } = held.get(name)!;
  held.delete(name);
  if (ArrayBuffer.isView(data)) (data.buffer as ArrayBuffer).transfer(0);
};
