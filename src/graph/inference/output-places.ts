/** Plans where the outputs of segments are in one block of memory, which every input of a calibration uses again. */
import { elementType } from '../../formats/onnx/element-type.ts';
import type { Segment, TensorFacts } from './segments.ts';

/** A float32 tensor in the block. */
export type OutputPlace = {
  /** In bytes, a multiple of 64 as ONNX Runtime's own allocations. */
  readonly offset: number;
  readonly dims: readonly number[];
};

/** Places by tensor, and the size of the block. */
export type OutputPlaces = { readonly places: ReadonlyMap<string, OutputPlace>; readonly bytes: number };

/** Largest block. WebAssembly addresses twice as much. */
const mostBytes = 2 ** 31;
const alignment = 64;

type Sized = { readonly name: string; readonly dims: readonly number[]; readonly bytes: number };
type Held = Sized & { readonly offset: number };

/**
 * Places the outputs of each segment that writes only float32 tensors of fixed shapes and fits; none of the others. A place is
 * free again after the last segment that reads it.
 */
export const placeOutputs = (
  segments: readonly Segment[],
  facts: ReadonlyMap<string, TensorFacts>,
): OutputPlaces => {
  const places = new Map<string, OutputPlace>();
  const lastRead = new Map(segments.flatMap(({ inputs }, i) => inputs.map((name) => [name, i] as const)));
  let held: readonly Held[] = [];
  let bytes = 0;
  for (const [index, { outputs }] of segments.entries()) {
    const sizes = outputs.flatMap((name) => sizeOf(name, facts.get(name)) ?? []);
    const placed = placeBeside(held, sizes);
    const end = Math.max(bytes, ...placed.map(endOf));
    if (sizes.length === outputs.length && end <= mostBytes) {
      for (const { name, offset, dims } of placed) places.set(name, { offset, dims });
      held = [...held, ...placed];
      bytes = end;
    }
    held = held.filter(({ name }) => (lastRead.get(name) ?? index) > index);
  }
  return { places, bytes };
};

const sizeOf = (name: string, fact: TensorFacts | undefined): Sized | undefined =>
  fact?.elemType === elementType.float32 && fact.bytes
    ? { name, dims: fact.dims as readonly number[], bytes: fact.bytes }
    : undefined;

const endOf = ({ offset, bytes }: Held): number => offset + bytes;

const placeBeside = (held: readonly Held[], sizes: readonly Sized[]): readonly Held[] => {
  const placed: Held[] = [];
  for (const sized of sizes) placed.push({ ...sized, offset: findGap([...held, ...placed], sized.bytes) });
  return placed;
};

/** The lowest aligned offset with this many free bytes. */
const findGap = (held: readonly Held[], bytes: number): number => {
  let gap = 0;
  for (const each of held.toSorted((a, b) => a.offset - b.offset)) {
    if (each.offset - gap >= bytes) break;
    gap = Math.max(gap, Math.ceil(endOf(each) / alignment) * alignment);
  }
  return gap;
};
