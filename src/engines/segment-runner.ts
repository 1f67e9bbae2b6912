/** Runs a cut graph, one segment after the other, into memory that is used again for every image. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { elementType } from '../formats/onnx/element-type.ts';
import { serializeModel } from '../formats/onnx/model.ts';
import type { Segment, TensorFacts } from './segments.ts';
import { type FloatTensor, sessionOptions } from './session.ts';
import { type SlabLayout, slabLayout, type Tenant } from './slab.ts';

/** A segment as it can be sent to another thread. */
type PackedSegment = {
  readonly model: Uint8Array<ArrayBuffer>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
};

export type SegmentPlan = {
  readonly segments: readonly PackedSegment[];
  /** Tensors with a place in the slab, and their shapes; the others are allocated as they come. */
  readonly dims: ReadonlyMap<string, readonly number[]>;
  readonly slab: SlabLayout;
};

/** Everything that a runner needs, as plain data. */
export const segmentPlan = (
  segments: readonly Segment[],
  facts: ReadonlyMap<string, TensorFacts>,
): SegmentPlan => {
  const tenants = segments.flatMap(({ outputs }, from) =>
    outputs.flatMap((name) => tenantOf(name, facts, { from, to: lastUse(segments, name, from) })),
  );
  return {
    segments: segments.map(({ model, inputs, outputs }) => ({
      model: Uint8Array.from(serializeModel(model)),
      inputs,
      outputs,
    })),
    dims: new Map(tenants.map(({ name }) => [name, facts.get(name)!.dims as readonly number[]])),
    slab: slabLayout(tenants),
  };
};

const lastUse = (segments: readonly Segment[], name: string, from: number): number =>
  Math.max(
    from,
    segments.findLastIndex(({ inputs }) => inputs.includes(name)),
  );

const tenantOf = (
  name: string,
  facts: ReadonlyMap<string, TensorFacts>,
  lifetime: { readonly from: number; readonly to: number },
): readonly Tenant[] => {
  const { elemType, bytes } = facts.get(name)!;
  return elemType === elementType.float32 && bytes ? [{ name, bytes, ...lifetime }] : [];
};

export type Visit = (tensor: string, values: Float32Array) => void;

export class SegmentRunner {
  readonly #plan: SegmentPlan;
  readonly #sessions: readonly InferenceSession[];
  readonly #places: ReadonlyMap<string, Tensor>;

  private constructor(plan: SegmentPlan, sessions: readonly InferenceSession[]) {
    this.#plan = { ...plan, segments: plan.segments.map((each) => ({ ...each, model: new Uint8Array(0) })) };
    this.#sessions = sessions;
    const memory = new ArrayBuffer(plan.slab.bytes);
    this.#places = new Map(
      [...plan.dims].map(([name, dims]) => {
        const length = dims.reduce((product, size) => product * size, 1);
        return [
          name,
          new Tensor('float32', new Float32Array(memory, plan.slab.offsets.get(name)!, length), dims),
        ];
      }),
    );
  }

  /** One thread each, so that the bits of a result depend on nothing but the input. @throws Error by ONNX Runtime */
  static async open(plan: SegmentPlan): Promise<SegmentRunner> {
    const options = sessionOptions({ optimisation: 'disabled', threads: 1, prepacking: false, arena: false });
    const sessions: InferenceSession[] = [];
    for (const { model } of plan.segments) sessions.push(await InferenceSession.create(model, options));
    return new SegmentRunner(plan, sessions);
  }

  /** Calls `visit` for every float tensor that a segment hands out; its values are valid during the call only. */
  async run(input: string, { data, dims }: FloatTensor, visit: Visit): Promise<void> {
    const held = new Map<string, Tensor>([[input, new Tensor('float32', data, dims)]]);
    for (const [index, { inputs, outputs }] of this.#plan.segments.entries()) {
      const feeds = Object.fromEntries(inputs.map((name) => [name, held.get(name)!]));
      const fetches = Object.fromEntries(outputs.map((name) => [name, this.#places.get(name) ?? null]));
      const results = await this.#sessions[index]!.run(feeds, fetches);
      for (const name of outputs) {
        const tensor = results[name] as Tensor;
        held.set(name, tensor);
        if (tensor.type === 'float32') visit(name, tensor.data as Float32Array);
      }
    }
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) await session.release();
  }
}
