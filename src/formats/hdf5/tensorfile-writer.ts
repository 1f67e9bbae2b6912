/**
 * Writes a tensorfile as TLT does, batch by batch straight to the disk: memory holds one batch however many there
 * are. The file appears whole or not at all, and the same batches give the same bytes.
 */
import type { File } from 'h5wasm/node';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { makeWholeFile } from '../../ground/base/whole-file.ts';
import { zeroTimes } from './hdf5-times.ts';
import { batchGroup, chunksOf, soleArray, type TensorBatch } from './tensorfile-layout.ts';

/**
 * @returns the number of batches that were written
 * @throws UserError OutputExists, OutputUnwritable, DiskFull, TensorfileInvalid if a batch differs in shape from the first
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
 * The same into the empty file at `place`, which becomes `path` when it is whole; messages name that.
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
 * The library with the file system of the machine, for writing alone: it follows what a file names. Throws what libhdf5
 * finds wrong, where by itself it prints its stack.
 */
const loadWriter = async (): Promise<typeof import('h5wasm/node')> => {
  const library = await import('h5wasm/node');
  const { FS, activate_throwing_error_handler: throwErrors } = await library.ready;
  // A file without a name is reached by a link of /proc, whose target libhdf5 would look for in vain.
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
  const file = told(path, () => new hdf5.File(temporary, 'w', { libver: ['earliest', 'latest'] }));
  try {
    return await writeInto(file, path, batches);
  } finally {
    told(path, () => file.close());
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
        `Writing ${path}: batch ${count} has the shape (${batch.dims.join(', ')}), the first one (${shape.join(', ')}). All batches must be alike; leave a shorter last one out.`,
      );
    told(path, () => writeBatch(file, count, batch));
    count += 1;
  }
  told(path, () => {
    file.create_attribute('count', count, [], '<q');
    if (shape) file.create_attribute('shape', [...shape], [shape.length], '<q');
    file.flush();
  });
  return count;
};

const writeBatch = (file: File, number: number, { data, dims }: TensorBatch): void => {
  const group = file.create_group(batchGroup(number));
  const chunks = chunksOf(dims, Float32Array.BYTES_PER_ELEMENT);
  const shape = [...dims];
  group.create_dataset({ name: soleArray, data, shape, chunks, compression: 'gzip', compression_opts: 4 });
  file.flush(); // so that what is kept in memory does not grow with the number of batches
};

/** libhdf5 tells the system's errors by their sentence. */
const told = <T>(path: string, write: () => T): T => {
  try {
    return write();
  } catch (thrown) {
    const [, sentence = messageOf(thrown)] = /error message = '([^']*)'/.exec(messageOf(thrown)) ?? [];
    if (/no space|quota/i.test(messageOf(thrown)))
      throw new UserError(
        'DiskFull',
        `Writing ${path}: the disk is full; nothing was left behind. Free some space, or choose another folder.`,
        { cause: thrown },
      );
    throw new UserError(
      'OutputUnwritable',
      `Writing ${path}: HDF5 could not write it (${sentence}). Choose another folder.`,
      { cause: thrown },
    );
  }
};
