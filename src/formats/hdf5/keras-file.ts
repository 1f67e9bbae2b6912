/**
 * A Keras model in HDF5, as Keras 2 saves it (`model.save('m.hdf5')`): the network as JSON in the attribute
 * `model_config`, and under `model_weights` a group per layer whose attribute `weight_names` lists its arrays. A list
 * that is too long for one attribute goes on in `layer_names0`, `layer_names1`, … Arrays are read piece by piece, and
 * only after their type and shape have been looked at.
 */
import { UserError } from '../../ground/base/errors.ts';
import { limits } from '../../ground/base/limits.ts';
import { openReadable, type Readable } from '../../ground/base/readable.ts';
import { faultText, type Hdf5Array, type Hdf5Group, openHdf5 } from './hdf5.ts';
import { parsePythonJson } from './python-json.ts';

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
  /**
   * The values in row-major order, some whole rows of the first axis at a time.
   * @throws UserError ModelInvalid, at once for an array that claims more than the file can hold
   */
  readonly pieces: () => Generator<Float32Array>;
};

/**
 * Opens the file for as long as `use` runs, which must not keep anything that reads.
 * @throws UserError ModelInvalid (damaged, or no model in it), and what `use` throws
 */
export const withKerasFile = async <T>(source: KerasSource, use: (file: KerasFile) => T): Promise<T> => {
  const { path } = source;
  if (source.content) return withContent(source.content, path, use);
  using content = reading(path, () => openReadable(path));
  return await withContent(content, path, use);
};

const withContent = async <T>(content: Readable, path: string, use: (file: KerasFile) => T): Promise<T> => {
  const root = await openHdf5(content).catch((thrown: unknown) => {
    throw invalid(path, faultText(thrown), thrown);
  });
  return use(reading(path, () => contentsOf(root, { path, claim: budgetOf(content.size, path) })));
};

/** Whatever libhdf5 throws on damaged bytes becomes a sentence. */
const reading = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw invalid(path, faultText(thrown), thrown);
  }
};

/** Counts bytes of arrays that are about to be read. @throws UserError ModelInvalid beyond what a file of this size can hold */
type Budget = (bytes: number) => void;

const budgetOf = (size: number, path: string): Budget => {
  const { kerasFreeBytes, kerasRatio } = limits;
  const most = kerasFreeBytes.most + kerasRatio.most * size;
  let claimed = 0;
  return (bytes) => {
    claimed += bytes;
    if (claimed > most)
      throw invalid(
        path,
        `its arrays claim ${claimed.toLocaleString('en')} bytes, and at most ${most.toLocaleString('en')} are accepted of a file of ${size.toLocaleString('en')} bytes. ${kerasRatio.remedy.replace(/\.$/, '')}`,
      );
  };
};

type Source = { readonly path: string; readonly claim: Budget };

const contentsOf = (root: Hdf5Group, { path, claim }: Source): KerasFile => {
  const weights = groupIn(root, 'model_weights');
  const config = textOf(root, 'model_config');
  if (config === undefined) throw withoutNetwork(root, path);
  const text = (name: string) => textOf(root, name) ?? (weights && textOf(weights, name));
  return {
    network: parsedNetwork(config, path),
    kerasVersion: text('keras_version'),
    backend: text('backend'),
    weightsOf: (layer) => reading(path, () => weightsIn(weights, { path, claim, layer })),
  };
};

const withoutNetwork = (root: Hdf5Group, path: string): UserError => {
  const weightsAlone = root.attributes().includes('layer_names') || groupIn(root, 'layers') !== undefined;
  return weightsAlone
    ? invalid(path, 'it holds weights and not the network. Save the model by save(), not by save_weights()')
    : invalid(path, 'it holds no Keras model, for the attribute model_config is missing');
};

const parsedNetwork = (text: string, path: string): unknown => {
  try {
    return parsePythonJson(text);
  } catch (thrown) {
    throw invalid(path, 'its attribute model_config is no JSON: the file is damaged', thrown);
  }
};

type Place = Source & { readonly layer: string };

const weightsIn = (weights: Hdf5Group | undefined, { path, claim, layer }: Place): KerasWeight[] => {
  const group = weights && groupIn(weights, layer);
  if (!group) throw invalid(path, `the group of the layer ${layer} is missing under model_weights`);
  return namesIn(group, path).map((name) => {
    const array = group.get(name);
    if (array?.kind !== 'Array') throw invalid(path, `the array ${name} of the layer ${layer} is missing`);
    return weightOf(array, name, { path, claim });
  });
};

const namesIn = (group: Hdf5Group, path: string): readonly string[] => {
  const attributes = new Set(group.attributes());
  const parts = attributes.has('weight_names') ? ['weight_names'] : [];
  while (attributes.has(`weight_names${parts.length}`)) parts.push(`weight_names${parts.length}`);
  if (parts.length === 0) throw invalid(path, `${group.path} has no attribute weight_names`);
  const names = parts.flatMap((part) => [group.attribute(part)].flat());
  if (!names.every((name) => typeof name === 'string' && name !== ''))
    throw invalid(path, `the attribute weight_names of ${group.path} is no list of names`);
  return names as string[];
};

const weightOf = (array: Hdf5Array, name: string, { path, claim }: Source): KerasWeight => {
  const pieces = () => {
    claim(array.shape.reduce((product, size) => product * size, Float32Array.BYTES_PER_ELEMENT));
    return piecesOf(array, name, path);
  };
  return { name, shape: array.shape, pieces };
};

/** Asked when the values are: counters of training are whole numbers, and nothing needs them. */
const requireReadable = ({ type, chunkBytes }: Hdf5Array, name: string, path: string): void => {
  if (type !== '<f' && type !== '<d')
    throw invalid(path, `the array ${name} holds neither float32 nor float64 (its type: ${type})`);
  if (chunkBytes > mostChunkBytes)
    throw invalid(path, `the array ${name} is stored in pieces too large to be read`);
};

/** libhdf5 reads whole chunks; what h5py makes is 1 MiB at most, so a larger one comes of damage or malice. */
const mostChunkBytes = 64 * 2 ** 20;
/** What is read at once: memory of WebAssembly that is never given back. */
const pieceBytes = 4 * 2 ** 20;

function* piecesOf(array: Hdf5Array, name: string, path: string): Generator<Float32Array> {
  requireReadable(array, name, path);
  const [rows = 1, ...row] = array.shape;
  const rowBytes = row.reduce((a, b) => a * b, array.itemBytes);
  const step = Math.max(1, Math.floor(pieceBytes / rowBytes));
  for (let at = 0; at < rows; at += step)
    yield reading(path, () => floatsOf(array, array.rows(at, Math.min(rows, at + step)).buffer));
}

const floatsOf = ({ type }: Hdf5Array, buffer: ArrayBuffer): Float32Array =>
  type === '<d' ? Float32Array.from(new Float64Array(buffer)) : new Float32Array(buffer);

const groupIn = (parent: Hdf5Group, name: string): Hdf5Group | undefined => {
  const found = parent.get(name);
  return found?.kind === 'Group' ? found : undefined;
};

const textOf = (group: Hdf5Group, name: string): string | undefined => {
  const value = group.attribute(name);
  return typeof value === 'string' ? value : undefined;
};

const invalid = (path: string, found: string, cause?: unknown): UserError =>
  new UserError('ModelInvalid', `Reading the Keras model ${path}: ${found}.`, { cause });
