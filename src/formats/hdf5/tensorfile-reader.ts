/**
 * Reads a tensorfile, written by this project or by TLT, as batches for calibration. Like TLT, it takes the first rows
 * of each stored batch. Only a few batches are in memory at a time, whatever size the file claims.
 */

import { UserError } from '../../ground/base/errors.ts';
import { openReadable } from '../../ground/base/readable.ts';
import { field } from '../../ground/contract/fields.ts';
import { describeFault, type Hdf5Array, type Hdf5Group, openHdf5 } from './hdf5.ts';
import { batchGroup, invalidTensorfile, soleArray, type TensorBatch } from './tensorfile-layout.ts';

/** What to read from a tensorfile. */
export type TensorfileRequest = {
  /** Shape of the model's input. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Number of stored batches to read. */
  readonly batches: number;
  /** Rows to take from each stored batch. */
  readonly batchSize: number;
  /** Rows per returned batch; the last one may have fewer. */
  readonly rows: number;
};

/**
 * Yields batches [rows,C,H,W] of float32. The caller checks that the file exists.
 * @throws UserError TooFewImages if fewer batches are stored than requested; TensorfileInvalid for a damaged or foreign
 * file, a shape other than the model's input, or a stored batch with too few rows
 */
export async function* readTensorfileBatches(
  path: string,
  request: TensorfileRequest,
): AsyncGenerator<TensorBatch> {
  using content = translateErrors(path, () => openReadable(path));
  const root = await openHdf5(content).catch((thrown: unknown) => {
    throw invalidTensorfile(path, describeFault(thrown), thrown);
  });
  translateErrors(path, () => requireBatches(root, path, request));
  const total = request.batches * request.batchSize;
  for (let start = 0; start < total; start += request.rows)
    yield translateErrors(path, () => readBatch(root, path, { ...request, start }));
}

/** Turns libhdf5's errors into UserError TensorfileInvalid. */
const translateErrors = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw invalidTensorfile(path, describeFault(thrown), thrown);
  }
};

const requireBatches = (root: Hdf5Group, path: string, { batches }: TensorfileRequest): void => {
  const attribute = root.attribute('count');
  if (attribute === undefined)
    throw invalidTensorfile(path, "it has no attribute 'count', so it is not a tensorfile");
  const count = Number(attribute);
  if (!Number.isSafeInteger(count) || count < 0)
    throw invalidTensorfile(path, `its attribute 'count' is ${count}`);
  if (count === 0) throw invalidTensorfile(path, 'it holds no batches');
  if (count < batches)
    throw new UserError(
      'TooFewImages',
      `Reading the tensorfile ${path}: it holds ${count} batches, but ${batches} are requested. Lower ${field('batches')}, or generate a longer tensorfile.`,
    );
};

/** Reads up to `rows` rows from row `start` of all batches; they may come from several stored batches. */
const readBatch = (
  root: Hdf5Group,
  path: string,
  request: TensorfileRequest & { readonly start: number },
): TensorBatch => {
  const { channels, height, width, batches, batchSize, rows, start } = request;
  const length = channels * height * width;
  const count = Math.min(rows, batches * batchSize - start);
  const data = new Float32Array(count * length);
  const paths: string[] = [];
  while (paths.length < count) {
    const [group, row] = [Math.floor((start + paths.length) / batchSize), (start + paths.length) % batchSize];
    const end = Math.min(batchSize, row + count - paths.length);
    const array = getBatchArray(root, { path, group, request });
    data.set(floatsOf(array, [row, end]), paths.length * length);
    for (let at = row; at < end; at += 1) paths.push(`${path} (batch ${group}, row ${at})`);
  }
  return { data, dims: [count, channels, height, width], paths };
};

type Place = { readonly path: string; readonly group: number; readonly request: TensorfileRequest };

/** The array of a stored batch; its type and shape are checked before its values are read. */
const getBatchArray = (root: Hdf5Group, { path, group, request }: Place): Hdf5Array => {
  const array = getArray(root.get(batchGroup(group)));
  if (!array) throw invalidTensorfile(path, `batch ${group} is missing or is not one array`);
  if (array.type !== '<f' && array.type !== '<d')
    throw invalidTensorfile(path, `batch ${group} is neither float32 nor float64`);
  if (array.chunkBytes > mostChunkBytes)
    throw invalidTensorfile(
      path,
      `batch ${group} is stored in chunks of ${array.chunkBytes} bytes; the limit is ${mostChunkBytes}`,
    );
  const [stored = 0, ...rest] = array.shape;
  const wanted = [request.channels, request.height, request.width];
  if (`${rest}` !== `${wanted}`)
    throw invalidTensorfile(
      path,
      `the images of batch ${group} have the shape (${rest.join(', ')}); the model takes (${wanted.join(', ')})`,
    );
  if (stored < request.batchSize)
    throw invalidTensorfile(
      path,
      `batch ${group} holds ${stored} images, but ${field('batchSize')} takes ${request.batchSize} from each batch. Lower ${field('batchSize')}`,
    );
  return array;
};

/** libhdf5 reads whole chunks. h5py writes at most 1 MiB, so a much larger one is damaged or hostile. */
const mostChunkBytes = 64 * 2 ** 20;

const getArray = (member: Hdf5Group | Hdf5Array | undefined): Hdf5Array | undefined => {
  const found = member?.kind === 'Group' ? member.get(soleArray) : member;
  return found?.kind === 'Array' ? found : undefined;
};

const floatsOf = (array: Hdf5Array, [start, end]: readonly [number, number]): Float32Array | Float64Array => {
  const { buffer } = array.rows(start, end);
  return array.type === '<d' ? new Float64Array(buffer) : new Float32Array(buffer);
};
