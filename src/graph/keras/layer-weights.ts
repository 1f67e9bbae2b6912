/**
 * The arrays of one layer. Each is held against the shape that the layer's configuration asks for before any of it is
 * read, and goes piece by piece to its place in the ONNX tensor, so that no second copy of it is ever in memory. A layer
 * that is called more than once shares its tensors.
 */
import type { KerasWeight } from '../../formats/hdf5/keras-file.ts';
import { invalidLayer, type LayerLabel } from './fault.ts';
import type { GraphBuilder } from './graph-builder.ts';

export type WeightRequest = {
  /** Keras's name of it: `kernel`, `bias`, `gamma` … */
  readonly name: string;
  /** What the configuration and the input ask for. */
  readonly shape: readonly number[];
  /** Place i of the tensor takes axis `order[i]` of the array; left out, as it is. */
  readonly order?: readonly number[];
  /** Dimensions of the tensor where they are not just those in that order. */
  readonly dims?: readonly number[];
};

export class LayerWeights {
  readonly #layer: LayerLabel;
  readonly #look: () => readonly KerasWeight[];
  readonly #tensors = new Map<string, string>();
  #found: readonly KerasWeight[] | undefined;

  /** `look` finds the arrays in the file: when the first is asked for, and once, for HDF5 is slow to look. */
  constructor(layer: LayerLabel, look: () => readonly KerasWeight[]) {
    this.#layer = layer;
    this.#look = look;
  }

  /** The name of the initializer with this array. @throws UserError ModelInvalid if it is missing or of another shape */
  tensor(graph: GraphBuilder, request: WeightRequest): string {
    const order = request.order ?? request.shape.map((_, axis) => axis);
    const dims = request.dims ?? order.map((axis) => request.shape[axis]!);
    const key = JSON.stringify([request.name, dims, order]);
    const known = this.#tensors.get(key);
    if (known !== undefined) return known;
    const values = this.values(request);
    const name = graph.floats(`${this.#layer.path}/${request.name}`, dims, values);
    this.#tensors.set(key, name);
    return name;
  }

  /** The array itself, its axes in the wished order. @throws UserError ModelInvalid */
  values(request: WeightRequest): Float32Array {
    const array = this.#find(request);
    const count = request.shape.reduce((product, size) => product * size, 1);
    const chunks = array.chunks();
    const values = new Float32Array(count);
    const place = makePlacer(request.shape, request.order);
    let at = 0;
    for (const chunk of chunks) {
      if (at + chunk.length > count) break;
      place(chunk, at, values);
      at += chunk.length;
    }
    if (at !== count) throw invalidLayer(this.#layer, `its ${request.name} cannot be read whole`);
    return values;
  }

  has(name: string): boolean {
    return this.#arrays.some((array) => baseName(array.name) === name);
  }

  get #arrays(): readonly KerasWeight[] {
    this.#found ??= this.#look();
    return this.#found;
  }

  #find({ name, shape }: WeightRequest): KerasWeight {
    const found = this.#arrays.filter((array) => baseName(array.name) === name);
    const [array] = found;
    if (!array) throw invalidLayer(this.#layer, `its weight ${name} is missing`);
    if (found.length > 1) throw invalidLayer(this.#layer, `it has ${found.length} weights called ${name}`);
    if (`${array.shape}` !== `${shape}`)
      throw invalidLayer(
        this.#layer,
        `its ${name} has the shape (${array.shape.join(', ')}), where its configuration and input ask for (${shape.join(', ')})`,
      );
    return array;
  }
}

/** `conv1/kernel:0` -> `kernel` */
const baseName = (name: string): string => name.split('/').at(-1)!.replace(/:\d+$/, '');

type Place = (chunk: Float32Array, at: number, target: Float32Array) => void;

/** Writes a run of the source, which begins at element `at`, to where the new order has it. */
const makePlacer = (shape: readonly number[], order?: readonly number[]): Place => {
  const isPlain = order === undefined || order.every((axis, i) => axis === i);
  if (isPlain) return (chunk, at, target) => target.set(chunk, at);
  const strides = stridesInTarget(shape, order);
  const last = shape.length - 1;
  const [length, step] = [shape[last]!, strides[last]!];
  return (chunk, at, target) => {
    for (let from = 0; from < chunk.length; from += length) {
      let to = offsetOf(Math.floor((at + from) / length), { shape, strides });
      for (let i = 0; i < length; i++, to += step) target[to] = chunk[from + i]!;
    }
  };
};

/** For each axis of the source, how far apart its neighbours lie in the target. */
const stridesInTarget = (shape: readonly number[], order: readonly number[]): number[] => {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
};

type Layout = { readonly shape: readonly number[]; readonly strides: readonly number[] };

/** Where row number `row` (all axes but the last, counted in row-major order) begins. */
const offsetOf = (row: number, { shape, strides }: Layout): number => {
  let [rest, offset] = [row, 0];
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    offset += (rest % shape[axis]!) * strides[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return offset;
};
