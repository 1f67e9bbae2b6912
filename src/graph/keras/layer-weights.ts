/**
 * The weight arrays of one layer. The shape of an array is compared with the configuration before it is read. Its
 * values are copied chunk by chunk to their position in the ONNX tensor, so that there is no second copy in memory.
 * Calls of a shared layer share the tensors.
 */
import type { KerasWeight } from '../../formats/hdf5/keras-file.ts';
import { invalidLayer, type LayerLabel } from './fault.ts';
import type { GraphBuilder } from './graph-builder.ts';

/** Which array, and its layout in the ONNX tensor. */
export type WeightRequest = {
  /** Keras's name: `kernel`, `bias`, `gamma` … */
  readonly name: string;
  /** Shape that configuration and input require. */
  readonly shape: readonly number[];
  /** Axis i of the tensor is axis `order[i]` of the array; the same order if undefined. */
  readonly order?: readonly number[];
  /** Dimensions of the tensor, if not those of the reordered array. */
  readonly dims?: readonly number[];
};

/** Reads the arrays of a layer, on first use. */
export class LayerWeights {
  readonly #layer: LayerLabel;
  readonly #look: () => readonly KerasWeight[];
  readonly #tensors = new Map<string, string>();
  #found: readonly KerasWeight[] | undefined;

  /** `look` finds the arrays in the file. It is called once, on first use, because look-ups in HDF5 are slow. */
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

  /** The values, with axes in the requested order. @throws UserError ModelInvalid */
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
    if (at !== count) throw invalidLayer(this.#layer, `its ${request.name} cannot be read completely`);
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
        `its ${name} has the shape (${array.shape.join(', ')}); its configuration and input require (${shape.join(', ')})`,
      );
    return array;
  }
}

/** `conv1/kernel:0` -> `kernel` */
const baseName = (name: string): string => name.split('/').at(-1)!.replace(/:\d+$/, '');

type Place = (chunk: Float32Array, at: number, target: Float32Array) => void;

/** Writes a run of source values, starting at element `at`, to their positions in the new order. */
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

/** Stride in the target of each axis of the source. */
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

/** Offset in the target of row `row` (all axes but the last, in row-major order). */
const offsetOf = (row: number, { shape, strides }: Layout): number => {
  let [rest, offset] = [row, 0];
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    offset += (rest % shape[axis]!) * strides[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return offset;
};
