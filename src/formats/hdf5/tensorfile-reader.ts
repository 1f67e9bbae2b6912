/**
 * Reads a tensorfile, ours or TLT's, as batches for calibration. Of each stored batch the first rows are taken, as TLT
 * does; a few of them are in memory at a time, whatever the file says about its own size.
 */

import { UserError } from '../../ground/base/errors.ts';
import { openReadable } from '../../ground/base/readable.ts';
import { field } from '../../ground/contract/fields.ts';
import { faultText, type Hdf5Array, type Hdf5Group, openHdf5 } from './hdf5.ts';
import { batchGroup, invalidTensorfile, soleArray, type TensorBatch } from './tensorfile-layout.ts';

export type TensorfileRequest = {
  /** What the model's input takes. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Stored batches to read, from the first on. */
  readonly batches: number;
  /** Rows to take of each. */
  readonly batchSize: number;
  /** Rows in each batch that comes out; the last may be shorter. */
  readonly rows: number;
};

/**
 * @throws UserError TooFewImages if fewer batches are stored than asked for; TensorfileInvalid for a damaged or foreign
 * file, another shape than the model's input, or a stored batch with too few rows; InputNotFound is the caller's to ask
 */
export async function* tensorfileBatches(
  path: string,
  request: TensorfileRequest,
): AsyncGenerator<TensorBatch> {
  using content = reading(path, () => openReadable(path));
  const root = await openHdf5(content).catch((thrown: unknown) => {
    throw invalidTensorfile(path, faultText(thrown), thrown);
  });
  reading(path, () => requireBatches(root, path, request));
  const total = request.batches * request.batchSize;
  for (let start = 0; start < total; start += request.rows)
    yield reading(path, () => gather(root, path, { ...request, start }));
}

/** Whatever libhdf5 throws on damaged bytes becomes a sentence. */
const reading = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof UserError) throw thrown;
    throw invalidTensorfile(path, faultText(thrown), thrown);
  }
};

const requireBatches = (root: Hdf5Group, path: string, { batches }: TensorfileRequest): void => {
  const attribute = root.attribute('count');
  if (attribute === undefined)
    throw invalidTensorfile(path, "it has no attribute 'count', so it is no tensorfile");
  const count = Number(attribute);
  if (!Number.isSafeInteger(count) || count < 0)
    throw invalidTensorfile(path, `its attribute 'count' is ${count}`);
  if (count === 0) throw invalidTensorfile(path, 'it holds no batches');
  if (count < batches)
    throw new UserError(
      'TooFewImages',
      `Reading the tensorfile ${path}: it holds ${count} batches, and ${batches} were asked for. Lower ${field('batches')}, or generate a longer tensorfile.`,
    );
};

/** Up to `rows` rows from `start` on, counted over all batches; they may come from several stored ones. */
const gather = (
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
    const array = arrayOf(root, { path, group, request });
    data.set(floatsOf(array, [row, end]), paths.length * length);
    for (let at = row; at < end; at += 1) paths.push(`${path} (batch ${group}, row ${at})`);
  }
  return { data, dims: [count, channels, height, width], paths };
};

type Place = { readonly path: string; readonly group: number; readonly request: TensorfileRequest };

/** The array of a stored batch, its type and shape checked before any of its values are read. */
const arrayOf = (root: Hdf5Group, { path, group, request }: Place): Hdf5Array => {
  const array = arrayIn(root.get(batchGroup(group)));
  if (!array) throw invalidTensorfile(path, `batch ${group} is missing or is not one array`);
  if (array.type !== '<f' && array.type !== '<d')
    throw invalidTensorfile(path, `batch ${group} holds neither float32 nor float64`);
  if (array.chunkBytes > mostChunkBytes)
    throw invalidTensorfile(path, `batch ${group} is stored in pieces too large to be read`);
  const [stored = 0, ...rest] = array.shape;
  const wanted = [request.channels, request.height, request.width];
  if (`${rest}` !== `${wanted}`)
    throw invalidTensorfile(
      path,
      `the images of batch ${group} have the shape (${rest.join(', ')}), and the model takes (${wanted.join(', ')})`,
    );
  if (stored < request.batchSize)
    throw invalidTensorfile(
      path,
      `batch ${group} holds ${stored} images, and ${field('batchSize')} asks for ${request.batchSize} of each batch. Lower ${field('batchSize')}`,
    );
  return array;
};

/** libhdf5 reads whole chunks; h5py makes them 1 MiB at most, so a larger one comes of damage or malice. */
const mostChunkBytes = 64 * 2 ** 20;

const arrayIn = (member: Hdf5Group | Hdf5Array | undefined): Hdf5Array | undefined => {
  const found = member?.kind === 'Group' ? member.get(soleArray) : member;
  return found?.kind === 'Array' ? found : undefined;
};

const floatsOf = (array: Hdf5Array, [start, end]: readonly [number, number]): Float32Array | Float64Array => {
  const { buffer } = array.rows(start, end);
  return array.type === '<d' ? new Float64Array(buffer) : new Float32Array(buffer);
};
