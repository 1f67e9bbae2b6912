/**
 * Reads a Keras model in HDF5 as Keras 2 saves it (`model.save('m.hdf5')`): the network as JSON in the attribute
 * `model_config`, and under `model_weights` one group per layer, whose attribute `weight_names` lists its arrays. A
 * list that is too long for one attribute continues in `weight_names0`, `weight_names1`, … Arrays are read in chunks,
 * after their type and shape are checked.
 */
import { UserError } from '../../ground/base/errors.ts';
import { limits } from '../../ground/base/limits.ts';
import { openReadable, type Readable } from '../../ground/base/readable.ts';
import { describeFault, type Hdf5Array, type Hdf5Group, openHdf5 } from './hdf5.ts';
import { parsePythonJson } from './python-json.ts';

/** A file on disk, or decrypted content that must not be written to disk. */
export type KerasSource = {
  /** Name for messages; also the path if `content` is undefined. */
  readonly path: string;
  readonly content?: Readable | undefined;
};

/** An open Keras file. */
export type KerasFile = {
  /** The parsed `model_config`. */
  readonly network: unknown;
  readonly kerasVersion: string | undefined;
  readonly backend: string | undefined;
  /**
   * Arrays of a top-level layer, in Keras's order.
   * @throws UserError ModelInvalid if the layer has no group
   */
  readonly weightsOf: (layer: string) => readonly KerasWeight[];
};

/** One array of a layer. */
export type KerasWeight = {
  /** `conv1/kernel:0` */
  readonly name: string;
  readonly shape: readonly number[];
  /**
   * The values in row-major order; each chunk holds whole rows of the first axis.
   * @throws UserError ModelInvalid, immediately for an array that claims more than the file can hold
   */
  readonly chunks: () => Generator<Float32Array>;
};

/**
 * Opens the file while `use` runs; what it returns must not read from the file.
 * @throws UserError ModelInvalid (damaged, or not a model), and what `use` throws
 */
export const withKerasFile = async <T>(source: KerasSource, use: (file: KerasFile) => T): Promise<T> => {
  const { path } = source;
  if (source.content) return withContent(source.content, path, use);
  using content = translateErrors(path, () => openReadable(path));
  return await withContent(content, path, use);
};

const withContent = async <T>(content: Readable, path: string, use: (file: KerasFile) => T): Promise<T> => {
  const root = await openHdf5(content).catch((thrown: unknown) => {
    throw invalid(path, describeFault(thrown), thrown);
  });
  return use(
    translateErrors(path, () => readContents(root, { path, claim: createBudget(content.size, path) })),
  );
};

/** Turns libhdf5's errors into UserError ModelInvalid. */
const translateErrors = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw invalid(path, describeFault(thrown), thrown);
  }
};

/**
 * Adds up the bytes of arrays before they are read.
 * @throws UserError ModelInvalid above what a file of this size can hold
 */
type Budget = (bytes: number) => void;

const createBudget = (size: number, path: string): Budget => {
  const { kerasFreeBytes, kerasRatio } = limits;
  const most = kerasFreeBytes.max + kerasRatio.max * size;
  let claimed = 0;
  return (bytes) => {
    claimed += bytes;
    if (claimed > most)
      throw invalid(
        path,
        `its arrays claim ${claimed.toLocaleString('en')} bytes; at most ${most.toLocaleString('en')} are accepted for a file of ${size.toLocaleString('en')} bytes. ${kerasRatio.remedy.replace(/\.$/, '')}`,
      );
  };
};

type Source = { readonly path: string; readonly claim: Budget };

const readContents = (root: Hdf5Group, { path, claim }: Source): KerasFile => {
  const weights = getGroup(root, 'model_weights');
  const config = getText(root, 'model_config');
  if (config === undefined) throw missingNetwork(root, path);
  const text = (name: string) => getText(root, name) ?? (weights && getText(weights, name));
  return {
    network: parseNetwork(config, path),
    kerasVersion: text('keras_version'),
    backend: text('backend'),
    weightsOf: (layer) => translateErrors(path, () => readWeights(weights, { path, claim, layer })),
  };
};

const missingNetwork = (root: Hdf5Group, path: string): UserError => {
  const weightsAlone = root.attributes().includes('layer_names') || getGroup(root, 'layers') !== undefined;
  return weightsAlone
    ? invalid(path, 'it contains weights but no network. Save the model with save(), not with save_weights()')
    : invalid(path, 'it is not a Keras model: the attribute model_config is missing');
};

const parseNetwork = (text: string, path: string): unknown => {
  try {
    return parsePythonJson(text);
  } catch (thrown) {
    throw invalid(path, 'its attribute model_config is not JSON: the file is damaged', thrown);
  }
};

type WeightPlace = Source & { readonly layer: string };

const readWeights = (weights: Hdf5Group | undefined, { path, claim, layer }: WeightPlace): KerasWeight[] => {
  const group = weights && getGroup(weights, layer);
  if (!group) throw invalid(path, `the group of the layer ${layer} is missing under model_weights`);
  return readNames(group, path).map((name) => {
    const array = group.get(name);
    if (array?.kind !== 'Array') throw invalid(path, `the array ${name} of the layer ${layer} is missing`);
    return createWeight(array, name, { path, claim });
  });
};

const readNames = (group: Hdf5Group, path: string): readonly string[] => {
  const attributes = new Set(group.attributes());
  const parts = attributes.has('weight_names') ? ['weight_names'] : [];
  while (attributes.has(`weight_names${parts.length}`)) parts.push(`weight_names${parts.length}`);
  if (parts.length === 0) throw invalid(path, `${group.path} has no attribute weight_names`);
  const names = parts.flatMap((part) => [group.attribute(part)].flat());
  if (!names.every((name) => typeof name === 'string' && name !== ''))
    throw invalid(path, `the attribute weight_names of ${group.path} is not a list of names`);
  return names as string[];
};

const createWeight = (array: Hdf5Array, name: string, { path, claim }: Source): KerasWeight => {
  const chunks = () => {
    claim(array.shape.reduce((product, size) => product * size, Float32Array.BYTES_PER_ELEMENT));
    return readChunks(array, name, path);
  };
  return { name, shape: array.shape, chunks };
};

/** Checked only when values are read: training counters are integers, and no layer reads them. */
const requireReadable = ({ type, chunkBytes }: Hdf5Array, name: string, path: string): void => {
  if (type !== '<f' && type !== '<d')
    throw invalid(path, `the array ${name} is neither float32 nor float64 (its type: ${type})`);
  if (chunkBytes > mostChunkBytes)
    throw invalid(
      path,
      `the array ${name} is stored in chunks of ${chunkBytes} bytes; the limit is ${mostChunkBytes}`,
    );
};

/** libhdf5 reads whole chunks. h5py writes at most 1 MiB, so a much larger one is damaged or hostile. */
const mostChunkBytes = 64 * 2 ** 20;
/** Bytes per read. WebAssembly memory that is allocated once is never released. */
const bytesPerRead = 4 * 2 ** 20;

function* readChunks(array: Hdf5Array, name: string, path: string): Generator<Float32Array> {
  requireReadable(array, name, path);
  const [rows = 1, ...row] = array.shape;
  const rowBytes = row.reduce((a, b) => a * b, array.itemBytes);
  const step = Math.max(1, Math.floor(bytesPerRead / rowBytes));
  for (let at = 0; at < rows; at += step)
    yield translateErrors(path, () => floatsOf(array, array.rows(at, Math.min(rows, at + step)).buffer));
}

const floatsOf = ({ type }: Hdf5Array, buffer: ArrayBuffer): Float32Array =>
  type === '<d' ? Float32Array.from(new Float64Array(buffer)) : new Float32Array(buffer);

const getGroup = (parent: Hdf5Group, name: string): Hdf5Group | undefined => {
  const found = parent.get(name);
  return found?.kind === 'Group' ? found : undefined;
};

const getText = (group: Hdf5Group, name: string): string | undefined => {
  const value = group.attribute(name);
  return typeof value === 'string' ? value : undefined;
};

const invalid = (path: string, found: string, cause?: unknown): UserError =>
  new UserError('ModelInvalid', `Reading the Keras model ${path}: ${found}.`, { cause });
