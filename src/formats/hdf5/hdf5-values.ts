/** Reads values of HDF5 attributes and arrays through libhdf5's memory. */
import { limits } from '../../ground/base/limits.ts';
import type { Library } from './hdf5-library.ts';

/** Type and shape of an array or attribute, as h5wasm describes them. */
export type Metadata = ReturnType<Library['get_dataset_metadata']>;
/** One value of an attribute. */
export type Scalar = string | number;

/** NumPy's type characters by size in bytes. */
const letters = {
  integer: new Map([
    [1, 'b'],
    [2, 'h'],
    [4, 'i'],
    [8, 'q'],
  ]),
  float: new Map([
    [2, 'e'],
    [4, 'f'],
    [8, 'd'],
  ]),
} as const;

/** NumPy's type string (`<f`, `<d`, `<q`, `>f` …); `text` for strings, `other` for any other type. */
export const typeNameOf = (library: Library, { type, size, signed, littleEndian }: Metadata): string => {
  const { H5T_INTEGER, H5T_FLOAT, H5T_STRING } = library.H5T_class_t;
  const order = littleEndian ? '<' : '>';
  if (type === H5T_STRING.value) return 'text';
  if (type === H5T_FLOAT.value) return `${order}${letters.float.get(size) ?? 'float'}`;
  if (type !== H5T_INTEGER.value) return 'other';
  const letter = letters.integer.get(size) ?? 'integer';
  return `${order}${signed ? letter : letter.toUpperCase()}`;
};

/**
 * Allocates `bytes` bytes in the library's memory for the duration of `use`.
 * @throws RangeError if the library has no memory left
 */
export const withMemory = <T>(
  library: Library,
  bytes: number,
  use: (pointer: bigint, copy: () => Uint8Array<ArrayBuffer>) => T,
): T => {
  // Above 4 GiB the number would wrap around.
  const pointer = bytes <= limits.hdf5Bytes.max ? (library._malloc(bytes) as unknown as number) : 0;
  if (pointer === 0) throw new RangeError(`HDF5 has no memory for ${bytes} bytes`);
  const copy = () => library.HEAPU8.slice(pointer, pointer + bytes) as Uint8Array<ArrayBuffer>;
  try {
    return use(BigInt(pointer), copy);
  } finally {
    library._free(pointer as never);
  }
};

/** Strings or numbers in row-major order; undefined for any other type. */
export const scalarsOf = (
  library: Library,
  metadata: Metadata,
  bytes: Uint8Array<ArrayBuffer>,
): readonly Scalar[] | undefined => {
  const name = typeNameOf(library, metadata);
  if (name === 'text')
    return metadata.vlen ? readVariableTexts(library, metadata, bytes) : readFixedTexts(metadata, bytes);
  const view = views[name];
  return view && Array.from(view(bytes.buffer), Number);
};

const views: Readonly<Record<string, (buffer: ArrayBuffer) => Iterable<number | bigint>>> = {
  '<b': (buffer) => new Int8Array(buffer),
  '<B': (buffer) => new Uint8Array(buffer),
  '<h': (buffer) => new Int16Array(buffer),
  '<H': (buffer) => new Uint16Array(buffer),
  '<i': (buffer) => new Int32Array(buffer),
  '<I': (buffer) => new Uint32Array(buffer),
  '<q': (buffer) => new BigInt64Array(buffer),
  '<Q': (buffer) => new BigUint64Array(buffer),
  '<f': (buffer) => new Float32Array(buffer),
  '<d': (buffer) => new Float64Array(buffer),
};

/** HDF5's number of the character set UTF-8. */
const utf8 = 1;

const readVariableTexts = (
  library: Library,
  { cset }: Metadata,
  bytes: Uint8Array<ArrayBuffer>,
): string[] => {
  const read = cset === utf8 ? library.UTF8ToString : library.AsciiToString;
  return Array.from(new Uint32Array(bytes.buffer), (pointer) => read(pointer));
};

const readFixedTexts = ({ cset, size }: Metadata, bytes: Uint8Array): string[] => {
  const decoder = new TextDecoder(cset === utf8 ? 'utf-8' : 'ascii');
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) => {
    const text = bytes.subarray(index * size, (index + 1) * size);
    const end = text.indexOf(0);
    return decoder.decode(end < 0 ? text : text.subarray(0, end));
  });
};
