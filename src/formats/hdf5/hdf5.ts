/**
 * Reads HDF5 files. The library can read one file only, so a file cannot make the process read another one: external
 * storage, external links and virtual datasets are refused by name.
 */
import type { Readable } from '../../ground/base/readable.ts';
import { findBrokenHeap } from './hdf5-heaps.ts';
import { type Library, startLibrary } from './hdf5-library.ts';
import { type FileSystem, placeFile } from './hdf5-place.ts';
import { type Metadata, type Scalar, scalarsOf, typeNameOf, withMemory } from './hdf5-values.ts';

/** A group. Its functions throw libhdf5's errors; see `describeFault`. */
export type Hdf5Group = {
  readonly kind: 'Group';
  readonly path: string;
  readonly keys: () => readonly string[];
  /** Member by name or by path below the group; undefined if it does not exist. */
  readonly get: (name: string) => Hdf5Group | Hdf5Array | undefined;
  readonly attributes: () => readonly string[];
  /** One value or a list; undefined if the attribute is missing or neither text nor numeric. */
  readonly attribute: (name: string) => Scalar | readonly Scalar[] | undefined;
};

/** A dataset. `rows` throws libhdf5's errors; see `describeFault`. */
export type Hdf5Array = {
  readonly kind: 'Array';
  readonly path: string;
  /** Type string, see `typeNameOf`. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Bytes of one element. */
  readonly itemBytes: number;
  /** Bytes of one chunk, which the library reads as a whole; 0 if the array is not chunked. */
  readonly chunkBytes: number;
  /** Rows [start, end) of the first axis, little-endian, row-major; for a scalar its one value. */
  readonly rows: (start: number, end: number) => Uint8Array<ArrayBuffer>;
};

/** An error whose message completes "the file is unusable: …". */
class Hdf5Fault extends Error {
  override readonly name = 'Hdf5Fault';
}

/** Describes an error of these functions, as the end of a sentence. */
export const describeFault = (thrown: unknown): string =>
  thrown instanceof Hdf5Fault
    ? thrown.message
    : 'HDF5 cannot read it: it is truncated, damaged or not an HDF5 file';

/**
 * Opens a file and returns its root group. Nothing needs to be closed.
 * @throws what the library reports; `describeFault` puts it into words
 */
export const openHdf5 = async (content: Readable): Promise<Hdf5Group> => {
  const broken = findBrokenHeap(content);
  if (broken !== undefined) throw new Hdf5Fault(`its heap at byte ${broken} is damaged`);
  const library = await startLibrary();
  const { name, askedForAnother } = placeFile(library.FS as unknown as FileSystem, content);
  const guarded = <T>(read: () => T): T => {
    const outcome = attempt(read);
    // The library's own errors do not name the cause, and some unreadable data is returned as zeros.
    if (askedForAnother() && !(outcome.thrown instanceof Hdf5Fault))
      throwOtherFile('it keeps data in another file (HDF5 external storage)');
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  };
  const file = guarded(() => library.open(name, library.H5F_ACC_RDONLY, false, anyVersion, anyVersion));
  return openGroup({ library, file, guarded }, '/');
};

type Outcome<T> = { readonly value: T; readonly thrown?: never } | { readonly thrown: unknown };

const attempt = <T>(read: () => T): Outcome<T> => {
  try {
    return { value: read() };
  } catch (thrown) {
    return { thrown };
  }
};

/** Accept every version of the file's structures. */
const anyVersion = -1;

type Context = {
  readonly library: Library;
  readonly file: bigint;
  readonly guarded: <T>(read: () => T) => T;
};

const throwOtherFile = (found: string): never => {
  throw new Hdf5Fault(`${found}, and only data in the file itself is read. Copy all data into one file`);
};

const openGroup = (context: Context, path: string): Hdf5Group => {
  const { library, file, guarded } = context;
  return {
    kind: 'Group',
    path,
    keys: () => guarded(() => library.get_names(file, path, false)),
    get: (name) => guarded(() => openMember(context, `${path}/${name}`)),
    attributes: () => guarded(() => library.get_attribute_names(file, path)),
    attribute: (name) => guarded(() => readAttribute(context, path, name)),
  };
};

/** Resolves a path one name at a time, so that an external link is detected and named. */
const openMember = (context: Context, path: string): Hdf5Group | Hdf5Array | undefined => {
  const { library, file } = context;
  let at = '';
  let type: number = library.H5G_GROUP;
  for (const name of path.split('/').filter(Boolean)) {
    if (type !== library.H5G_GROUP) return undefined;
    at += `/${name}`;
    type = library.get_type(file, at);
    if (type === library.H5G_UDLINK) throwOtherFile(`its member ${at} is an external link into another file`);
  }
  if (type === library.H5G_GROUP) return openGroup(context, at || '/');
  return type === library.H5G_DATASET ? openArray(context, at) : undefined;
};

const openArray = ({ library, file, guarded }: Context, path: string): Hdf5Array => {
  const metadata = library.get_dataset_metadata(file, path);
  if (metadata.virtual_sources)
    throwOtherFile(`its member ${path} is a virtual dataset, composed of arrays in other files`);
  const { size: itemBytes, chunks } = metadata;
  return {
    kind: 'Array',
    path,
    type: typeNameOf(library, metadata),
    shape: metadata.shape ?? [],
    itemBytes,
    chunkBytes: chunks === null ? 0 : chunks.reduce((bytes, side) => bytes * Number(side), itemBytes),
    rows: (start, end) => guarded(() => readRows({ library, file }, path, { metadata, rows: [start, end] })),
  };
};

type Part = { readonly metadata: Metadata; readonly rows: readonly [start: number, end: number] };

const readRows = (
  { library, file }: Pick<Context, 'library' | 'file'>,
  path: string,
  { metadata, rows: [start, end] }: Part,
): Uint8Array<ArrayBuffer> => {
  const shape = metadata.shape ?? [];
  const counts = shape.map((side, axis) => (axis === 0 ? end - start : side));
  const offsets = shape.map((_, axis) => BigInt(axis === 0 ? start : 0));
  const bytes = counts.reduce((product, count) => product * count, metadata.size);
  const strides = shape.map(() => 1n);
  return withMemory(library, bytes, (pointer, copy) => {
    const wanted = shape.length === 0 ? null : counts.map(BigInt);
    const [from, steps] = wanted ? [offsets, strides] : [null, null];
    library.get_dataset_data(file, path, wanted, from, steps, pointer);
    return copy();
  });
};

const readAttribute = (
  { library, file }: Context,
  path: string,
  name: string,
): Scalar | readonly Scalar[] | undefined => {
  if (!library.get_attribute_names(file, path).includes(name)) return undefined;
  const metadata = library.get_attribute_metadata(file, path, name);
  const { shape, size, total_size: count, vlen } = metadata;
  if (!shape) return undefined;
  const values = withMemory(library, size * count, (pointer, copy) => {
    library.get_attribute_data(file, path, name, pointer);
    try {
      return scalarsOf(library, metadata, copy());
    } finally {
      if (vlen) library.reclaim_vlen_memory(file, path, name, pointer);
    }
  });
  return shape.length === 0 ? values?.[0] : values;
};
