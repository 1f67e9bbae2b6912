/**
 * A file for libhdf5 in WebAssembly whose bytes come from a `Readable` as they are read: nothing of it is held. The file system
 * is Emscripten's (https://emscripten.org/docs/api_reference/Filesystem-API.html); its own lazy files are made in this way.
 */
import type { Readable } from '../../ground/base/readable.ts';

/** What is used of Emscripten's file system; the package's types lack most of it. */
export type FileSystem = {
  readonly writeFile: (name: string, bytes: Uint8Array) => void;
  readonly unlink: (name: string) => void;
  readonly lookupPath: (name: string) => { readonly node: FileNode };
  readonly ErrnoError: new (code: number) => Error;
};

type FileNode = { usedBytes: number; stream_ops: Readonly<Record<string, unknown>> };

/** WASI's number of an input/output error. */
const inputOutputError = 29;

let nextName = 0;

/** Puts the file there under a name that none has had, for HDF5 answers from an open file when it meets the same one again. */
export const placed = (
  system: FileSystem,
  content: Readable,
): { readonly name: string; readonly unlink: () => void } => {
  const name = `/${nextName++}.hdf5`;
  system.writeFile(name, new Uint8Array());
  const { node } = system.lookupPath(name);
  node.usedBytes = content.size;
  node.stream_ops = {
    ...node.stream_ops,
    read: (_stream: unknown, memory: Int8Array, at: number, length: number, offset: number): number => {
      const bytes = readOrFail(system, content, [offset, length]);
      new Uint8Array(memory.buffer, memory.byteOffset + at, bytes.length).set(bytes);
      return bytes.length;
    },
  };
  return { name, unlink: () => system.unlink(name) };
};

/** libhdf5 understands an error's number and no other throw: its own state would be left behind broken. */
const readOrFail = (
  system: FileSystem,
  content: Readable,
  [offset, length]: readonly [number, number],
): Uint8Array => {
  try {
    return content.read(offset, length);
  } catch {
    throw new system.ErrnoError(inputOutputError);
  }
};
