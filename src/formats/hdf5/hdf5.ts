/**
 * Reads HDF5 files. The library sees the bytes of one file and nothing else of the machine, so a file cannot make the
 * process read another one: external storage, external links and virtual data sets are refused by name.
 */
import type { Readable } from '../../ground/base/readable.ts';
import { brokenHeapIn } from './hdf5-heaps.ts';
import { type Library, startLibrary } from './hdf5-library.ts';
import { type FileSystem, placed } from './hdf5-place.ts';
import { type Metadata, type Scalar, scalarsOf, throughMemory, typeNameOf } from './hdf5-values.ts';

export type Hdf5Group = {
  readonly kind: 'Group';
  readonly path: string;
  readonly keys: () => readonly string[];
  /** Undefined where there is nothing of that name; `name` may be a path below the group. */
  readonly get: (name: string) => Hdf5Group | Hdf5Array | undefined;
  readonly attributes: () => readonly string[];
  /** One value, or a list; undefined where there is none, or one that is neither text nor number. */
  readonly attribute: (name: string) => Scalar | readonly Scalar[] | undefined;
};

export type Hdf5Array = {
  readonly kind: 'Array';
  readonly path: string;
  /** As `typeNameOf` has it. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Of one element. */
  readonly itemBytes: number;
  /** The library reads whole chunks; 0 where there are none. */
  readonly chunkBytes: number;
  /** Rows of the first axis from `start` up to `end`, little-endian, in row-major order; of a scalar its one value. */
  readonly rows: (start: number, end: number) => Uint8Array<ArrayBuffer>;
};

/** A fault whose message says what is wrong, as the end of a sentence. */
class Hdf5Fault extends Error {
  override readonly name = 'Hdf5Fault';
}

/** What is wrong with a file on which one of these functions has thrown, as the end of a sentence. */
export const faultText = (thrown: unknown): string =>
  thrown instanceof Hdf5Fault
    ? thrown.message
    : 'HDF5 cannot read it: it is cut short, damaged or no HDF5 file';

/** The root group; nothing is to be closed. Throws what the library finds wrong; `faultText` says it. */
export const openHdf5 = async (content: Readable): Promise<Hdf5Group> => {
  const broken = brokenHeapIn(content);
  if (broken !== undefined) throw new Hdf5Fault(`its heap at byte ${broken} is damaged`);
  const library = await startLibrary();
  const { name, askedForAnother } = placed(library.FS as unknown as FileSystem, content);
  const guarded = <T>(read: () => T): T => {
    const outcome = attempt(read);
    // The library's own errors only say that something could not be opened, and of some it makes zeros.
    if (askedForAnother() && !(outcome.thrown instanceof Hdf5Fault))
      refuseOther('it keeps data in another file (HDF5 external storage)');
    if ('thrown' in outcome) throw outcome.thrown;
    return outcome.value;
  };
  const file = guarded(() => library.open(name, library.H5F_ACC_RDONLY, false, anyVersion, anyVersion));
  return groupAt({ library, file, guarded }, '/');
};

type Outcome<T> = { readonly value: T; readonly thrown?: never } | { readonly thrown: unknown };

const attempt = <T>(read: () => T): Outcome<T> => {
  try {
    return { value: read() };
  } catch (thrown) {
    return { thrown };
  }
};

/** No bound on the versions of the file's structures. */
const anyVersion = -1;

type Context = {
  readonly library: Library;
  readonly file: bigint;
  readonly guarded: <T>(read: () => T) => T;
};

const refuseOther = (found: string): never => {
  throw new Hdf5Fault(
    `${found}, and no file is read through another one. Copy all of its data into one file`,
  );
};

const groupAt = (context: Context, path: string): Hdf5Group => {
  const { library, file, guarded } = context;
  return {
    kind: 'Group',
    path,
    keys: () => guarded(() => library.get_names(file, path, false)),
    get: (name) => guarded(() => memberAt(context, `${path}/${name}`)),
    attributes: () => guarded(() => library.get_attribute_names(file, path)),
    attribute: (name) => guarded(() => attributeAt(context, path, name)),
  };
};

/** Step by step, so that a link out of the file is met by its own name. */
const memberAt = (context: Context, path: string): Hdf5Group | Hdf5Array | undefined => {
  const { library, file } = context;
  let at = '';
  let type: number = library.H5G_GROUP;
  for (const name of path.split('/').filter(Boolean)) {
    if (type !== library.H5G_GROUP) return undefined;
    at += `/${name}`;
    type = library.get_type(file, at);
    if (type === library.H5G_UDLINK) refuseOther(`its member ${at} is an external link into another file`);
  }
  if (type === library.H5G_GROUP) return groupAt(context, at || '/');
  return type === library.H5G_DATASET ? arrayAt(context, at) : undefined;
};

const arrayAt = ({ library, file, guarded }: Context, path: string): Hdf5Array => {
  const metadata = library.get_dataset_metadata(file, path);
  if (metadata.virtual_sources)
    refuseOther(`its member ${path} is a virtual data set, made of arrays of other files`);
  const { size: itemBytes, chunks } = metadata;
  return {
    kind: 'Array',
    path,
    type: typeNameOf(library, metadata),
    shape: metadata.shape ?? [],
    itemBytes,
    chunkBytes: chunks === null ? 0 : chunks.reduce((bytes, side) => bytes * Number(side), itemBytes),
    rows: (start, end) => guarded(() => rowsOf({ library, file }, path, { metadata, rows: [start, end] })),
  };
};

type Part = { readonly metadata: Metadata; readonly rows: readonly [start: number, end: number] };

const rowsOf = (
  { library, file }: Pick<Context, 'library' | 'file'>,
  path: string,
  { metadata, rows: [start, end] }: Part,
): Uint8Array<ArrayBuffer> => {
  const shape = metadata.shape ?? [];
  const counts = shape.map((side, axis) => (axis === 0 ? end - start : side));
  const offsets = shape.map((_, axis) => BigInt(axis === 0 ? start : 0));
  const bytes = counts.reduce((product, count) => product * count, metadata.size);
  const strides = shape.map(() => 1n);
  return throughMemory(library, bytes, (pointer, copy) => {
    const wanted = shape.length === 0 ? null : counts.map(BigInt);
    const [from, steps] = wanted ? [offsets, strides] : [null, null];
    library.get_dataset_data(file, path, wanted, from, steps, pointer);
    return copy();
  });
};

const attributeAt = (
  { library, file }: Context,
  path: string,
  name: string,
): Scalar | readonly Scalar[] | undefined => {
  if (!library.get_attribute_names(file, path).includes(name)) return undefined;
  const metadata = library.get_attribute_metadata(file, path, name);
  const { shape, size, total_size: count, vlen } = metadata;
  if (!shape) return undefined;
  const values = throughMemory(library, size * count, (pointer, copy) => {
    library.get_attribute_data(file, path, name, pointer);
    try {
      return scalarsOf(library, metadata, copy());
    } finally {
      if (vlen) library.reclaim_vlen_memory(file, path, name, pointer);
    }
  });
  return shape.length === 0 ? values?.[0] : values;
};
