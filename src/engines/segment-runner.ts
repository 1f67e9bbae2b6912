/** Runs a cut graph, one segment after the other; a tensor's memory is given back as soon as nothing needs it. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { serializeModel } from '../formats/onnx/model.ts';
import type { Segment } from './segments.ts';
import { type FloatTensor, sessionOptions } from './session.ts';

/** A segment as it can be sent to another thread. */
type PackedSegment = {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Tensors that no later segment reads. */
  readonly done: readonly string[];
};

/** Everything that a runner needs, as plain data. */
export type SegmentPlan = readonly PackedSegment[];

export const segmentPlan = (segments: readonly Segment[]): SegmentPlan =>
  segments.map(({ model, inputs, outputs }, index) => {
    const later = new Set(segments.slice(index + 1).flatMap((each) => each.inputs));
    return {
      model: Uint8Array.from(serializeModel(model)),
      inputs,
      outputs,
      done: [...new Set([...inputs, ...outputs])].filter((name) => !later.has(name)),
    };
  });

export type Visit = (tensor: string, values: Float32Array) => void;

export class SegmentRunner {
  readonly #plan: readonly Omit<PackedSegment, 'model'>[];
  readonly #sessions: readonly InferenceSession[];

  private constructor(plan: SegmentPlan, sessions: readonly InferenceSession[]) {
    this.#plan = plan.map(({ inputs, outputs, done }) => ({ inputs, outputs, done }));
    this.#sessions = sessions;
  }

  /** One thread each, so that the bits of a result depend on nothing but the input. @throws Error by ONNX Runtime */
  static async open(plan: SegmentPlan): Promise<SegmentRunner> {
    const options = sessionOptions({ optimisation: 'disabled', threads: 1, prepacking: false, arena: false });
    const sessions: InferenceSession[] = [];
    for (const { model } of plan) sessions.push(await InferenceSession.create(model, options));
    return new SegmentRunner(plan, sessions);
  }

  /**
   * Calls `visit` for every float tensor that a segment hands out; its values are valid during the call only. The
   * input's memory is given back as well.
   */
  async run(input: string, { data, dims }: FloatTensor, visit: Visit): Promise<void> {
    const held = new Map<string, Tensor>([[input, new Tensor('float32', data, dims)]]);
    for (const [index, { inputs, outputs, done }] of this.#plan.entries()) {
      const feeds = Object.fromEntries(inputs.map((name) => [name, held.get(name)!]));
      const results = await this.#sessions[index]!.run(feeds, outputs);
      for (const name of outputs) {
        const tensor = results[name] as Tensor;
        held.set(name, tensor);
        if (tensor.type === 'float32') visit(name, tensor.data as Float32Array);
      }
      for (const name of done) giveBack(held, name);
    }
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.release();
  }
}

/** At once: the collector would wait until hundreds of megabytes have piled up. */
const giveBack = (held: Map<string, Tensor>, name: string): void => {
  const { data } = held.get(name)!;
  held.delete(name);
  if (ArrayBuffer.isView(data)) (data.buffer as ArrayBuffer).transfer(0);
};
