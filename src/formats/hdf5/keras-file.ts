/**
 * A Keras model in HDF5, as Keras 2 saves it (`model.save('m.hdf5')`): the network as JSON in the attribute
 * `model_config`, and under `model_weights` a group per layer whose attribute `weight_names` lists its arrays. A list
 * that is too long for one attribute goes on in `layer_names0`, `layer_names1`, … Arrays are read piece by piece, and
 * only after their type and shape have been looked at.
 */
import type * as hdf5 from 'h5wasm/node';
import { UserError } from '../../ground/base/errors.ts';
import { openReadable, type Readable } from '../../ground/base/readable.ts';
import { loadHdf5 } from './hdf5.ts';
import { brokenHeapIn } from './hdf5-heaps.ts';
import { type FileSystem, placed } from './hdf5-place.ts';

/** A file on the disk, or one that is decrypted as it is read, because it must not lie in the clear anywhere. */
export type KerasSource = {
  /** What messages call it; the path, if there is no content. */
  readonly path: string;
  readonly content?: Readable | undefined;
};

export type KerasFile = {
  /** The parsed `model_config`. */
  readonly network: unknown;
  readonly kerasVersion: string | undefined;
  readonly backend: string | undefined;
  /** The arrays of a top-level layer, in Keras's order. @throws UserError ModelInvalid if the layer has no group */
  readonly weightsOf: (layer: string) => readonly KerasWeight[];
};

export type KerasWeight = {
  /** `conv1/kernel:0` */
  readonly name: string;
  readonly shape: readonly number[];
  /** The values in row-major order, some whole rows of the first axis at a time. @throws UserError ModelInvalid */
  readonly pieces: () => Generator<Float32Array>;
};

/**
 * Opens the file for as long as `use` runs, which must not keep anything that reads.
 * @throws UserError ModelInvalid (damaged, or no model in it), and what `use` throws
 */
export const withKerasFile = async <T>(source: KerasSource, use: (file: KerasFile) => T): Promise<T> => {
  const { file, close } = await opened(source);
  try {
    return use(reading(source.path, () => contentsOf(file, source.path)));
  } finally {
    close();
  }
};

type Hdf5 = Pick<hdf5.File, 'attrs' | 'get' | 'close'>;
type Group = hdf5.Group;
type Dataset = hdf5.Dataset;
type Opened = { readonly file: Hdf5; readonly close: () => void };

const opened = async ({ path, content }: KerasSource): Promise<Opened> => {
  if (content) return openedContent(content, path);
  reading(path, () => {
    using file = openReadable(path);
    requireSoundHeaps(file, path);
  });
  const library = await loadHdf5();
  const file = reading(path, () => new library.File(path, 'r'));
  return { file, close: () => void reading(path, () => file.close()) };
};

const openedContent = async (content: Readable, path: string): Promise<Opened> => {
  requireSoundHeaps(content, path);
  const { File, ready } = await import('h5wasm');
  const library = await ready;
  library.activate_throwing_error_handler();
  const { name, unlink } = placed(library.FS as unknown as FileSystem, content);
  try {
    const file = reading(path, () => new File(name, 'r'));
    const close = () => {
      reading(path, () => file.close());
      unlink();
    };
    return { file, close };
  } catch (thrown) {
    unlink();
    throw thrown;
  }
};

const requireSoundHeaps = (file: Readable, path: string): void => {
  const broken = brokenHeapIn(file);
  if (broken !== undefined) throw invalid(path, `its heap at byte ${broken} is damaged`);
};

/** Whatever libhdf5 throws on damaged bytes becomes a sentence. */
const reading = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw invalid(path, 'HDF5 cannot read it: it is cut short or damaged', thrown);
  }
};

const contentsOf = (file: Hdf5, path: string): KerasFile => {
  const weights = groupIn(file, 'model_weights');
  const config = textOf(file.attrs, 'model_config');
  if (config === undefined) throw withoutNetwork(file, path);
  const text = (name: string) => textOf(file.attrs, name) ?? (weights && textOf(weights.attrs, name));
  return {
    network: parsedNetwork(config, path),
    kerasVersion: text('keras_version'),
    backend: text('backend'),
    weightsOf: (layer) => reading(path, () => weightsIn(weights, { path, layer })),
  };
};

const withoutNetwork = (file: Hdf5, path: string): UserError => {
  const weightsAlone = 'layer_names' in file.attrs || groupIn(file, 'layers') !== undefined;
  return weightsAlone
    ? invalid(path, 'it holds weights and not the network. Save the model by save(), not by save_weights()')
    : invalid(path, 'it holds no Keras model, for the attribute model_config is missing');
};

const parsedNetwork = (text: string, path: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw invalid(path, 'its attribute model_config is no JSON: the file is damaged', thrown);
  }
};

type Place = { readonly path: string; readonly layer: string };

const weightsIn = (weights: Group | undefined, { path, layer }: Place): KerasWeight[] => {
  const group = weights && groupIn(weights, layer);
  if (!group) throw invalid(path, `the group of the layer ${layer} is missing under model_weights`);
  return namesIn(group, path).map((name) => {
    const array = group.get(name);
    if (!array || !('type' in array) || array.type !== 'Dataset')
      throw invalid(path, `the array ${name} of the layer ${layer} is missing`);
    return weightOf(array as Dataset, name, path);
  });
};

const namesIn = (group: Group, path: string): readonly string[] => {
  const { attrs } = group;
  const parts = 'weight_names' in attrs ? ['weight_names'] : [];
  while (`weight_names${parts.length}` in attrs) parts.push(`weight_names${parts.length}`);
  if (parts.length === 0) throw invalid(path, `${group.path} has no attribute weight_names`);
  const names = parts.flatMap((part) => listOf(attrs[part]!.value));
  if (!names.every((name) => typeof name === 'string' && name !== ''))
    throw invalid(path, `the attribute weight_names of ${group.path} is no list of names`);
  return names as string[];
};

/** An empty list is stored as an empty array of floats. */
const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : ArrayBuffer.isView(value) && value.byteLength === 0 ? [] : [value];

const weightOf = (array: Dataset, name: string, path: string): KerasWeight => {
  const shape = array.shape ?? [];
  if (array.dtype !== '<f' && array.dtype !== '<d')
    throw invalid(path, `the array ${name} holds neither float32 nor float64 (its type: ${array.dtype})`);
  const chunk = (array.metadata.chunks ?? []).reduce((a, b) => a * Number(b), array.metadata.size);
  if (chunk > mostChunkBytes)
    throw invalid(path, `the array ${name} is stored in pieces too large to be read`);
  return { name, shape, pieces: () => piecesOf(array, path) };
};

/** libhdf5 reads whole chunks; what h5py makes is 1 MiB at most, so a larger one comes of damage or malice. */
const mostChunkBytes = 64 * 2 ** 20;
/** What is read at once: memory of WebAssembly that is never given back. */
const pieceBytes = 4 * 2 ** 20;

function* piecesOf(array: Dataset, path: string): Generator<Float32Array> {
  const [rows = 1, ...row] = array.shape ?? [];
  const rowBytes = row.reduce((a, b) => a * b, array.metadata.size);
  const step = Math.max(1, Math.floor(pieceBytes / rowBytes));
  if (array.shape?.length === 0) yield reading(path, () => Float32Array.of(Number(array.value)));
  else
    for (let at = 0; at < rows; at += step)
      yield reading(path, () => floatsOf(array.slice([[at, Math.min(rows, at + step)]])));
}

const floatsOf = (values: unknown): Float32Array => {
  if (values instanceof Float32Array) return values;
  if (values instanceof Float64Array) return Float32Array.from(values);
  throw new TypeError('libhdf5 gave no floats');
};

const groupIn = (parent: Pick<Group, 'get'>, name: string): Group | undefined => {
  const found = parent.get(name);
  return found && 'type' in found && found.type === 'Group' ? (found as Group) : undefined;
};

const textOf = (attributes: Group['attrs'], name: string): string | undefined => {
  const value = attributes[name]?.value;
  return typeof value === 'string' ? value : undefined;
};

const invalid = (path: string, found: string, cause?: unknown): UserError =>
  new UserError('ModelInvalid', `Reading the Keras model ${path}: ${found}.`, { cause });
