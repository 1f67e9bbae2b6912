/**
 * Writes a tensorfile as TLT does. Batches go straight to disk, so one batch is in memory at a time. The file appears
 * complete or not at all, and the same batches give the same bytes.
 */
import type { File } from 'h5wasm/node';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { makeWholeFile } from '../../ground/base/whole-file.ts';
import { zeroTimes } from './hdf5-times.ts';
import { batchGroup, guessChunkShape, soleArray, type TensorBatch } from './tensorfile-layout.ts';

/**
 * Writes the file and returns the number of batches.
 * @throws UserError OutputExists, OutputUnwritable, DiskFull, TensorfileInvalid if a batch differs in shape from the
 * first
 */
export const writeTensorfile = async (path: string, batches: AsyncIterable<TensorBatch>): Promise<number> => {
  let count = 0;
  const make = async (place: string): Promise<void> => {
    count = await fillTensorfile(place, path, batches);
  };
  await makeWholeFile(path, make, { overwrite: false });
  return count;
};

/**
 * Writes into the empty file at `place`, which the caller renames to `path`; messages name `path`.
 * @throws as `writeTensorfile`
 */
export const fillTensorfile = async (
  place: string,
  path: string,
  batches: AsyncIterable<TensorBatch>,
): Promise<number> => {
  const count = await writeBatches(place, path, batches);
  await zeroTimes(place);
  return count;
};

/**
 * Loads the library with access to the machine's file system. Use it for writing only: it follows links in a file. It
 * throws libhdf5's errors instead of printing them.
 */
const loadWriter = async (): Promise<typeof import('h5wasm/node')> => {
  const library = await import('h5wasm/node');
  const { FS, activate_throwing_error_handler: throwErrors } = await library.ready;
  // An unnamed file is opened by its link in /proc, whose target does not exist for libhdf5.
  const files = FS as unknown as { stat: (path: string) => unknown; lstat: (path: string) => unknown };
  files.lstat = (path) => files.stat(path);
  throwErrors();
  return library;
};

const writeBatches = async (
  temporary: string,
  path: string,
  batches: AsyncIterable<TensorBatch>,
): Promise<number> => {
  const hdf5 = await loadWriter();
  const file = translateErrors(path, () => new hdf5.File(temporary, 'w', { libver: ['earliest', 'latest'] }));
  try {
    return await writeInto(file, path, batches);
  } finally {
    translateErrors(path, () => file.close());
  }
};

const writeInto = async (file: File, path: string, batches: AsyncIterable<TensorBatch>): Promise<number> => {
  let count = 0;
  let shape: TensorBatch['dims'] | undefined;
  for await (const batch of batches) {
    shape ??= batch.dims;
    if (`${batch.dims}` !== `${shape}`)
      throw new UserError(
        'TensorfileInvalid',
        `Writing ${path}: batch ${count} has the shape (${batch.dims.join(', ')}), the first batch (${shape.join(', ')}). All batches must have one shape; leave a shorter last batch out.`,
      );
    translateErrors(path, () => writeBatch(file, count, batch));
    count += 1;
  }
  translateErrors(path, () => {
    file.create_attribute('count', count, [], '<q');
    if (shape) file.create_attribute('shape', [...shape], [shape.length], '<q');
    file.flush();
  });
  return count;
};

const writeBatch = (file: File, number: number, { data, dims }: TensorBatch): void => {
  const group = file.create_group(batchGroup(number));
  const chunks = guessChunkShape(dims, Float32Array.BYTES_PER_ELEMENT);
  const shape = [...dims];
  group.create_dataset({ name: soleArray, data, shape, chunks, compression: 'gzip', compression_opts: 4 });
  file.flush(); // keeps memory independent of the number of batches
};

/** libhdf5 reports errors of the system only in its message. */
const translateErrors = <T>(path: string, write: () => T): T => {
  try {
    return write();
  } catch (thrown) {
    const [, sentence = messageOf(thrown)] = /error message = '([^']*)'/.exec(messageOf(thrown)) ?? [];
    if (/no space|quota/i.test(messageOf(thrown)))
      throw new UserError(
        'DiskFull',
        `Writing ${path}: the disk is full; the partial file was removed. Free some space, or choose another folder.`,
        { cause: thrown },
      );
    throw new UserError(
      'OutputUnwritable',
      `Writing ${path}: HDF5 could not write it (${sentence}). Choose another folder.`,
      { cause: thrown },
    );
  }
};
