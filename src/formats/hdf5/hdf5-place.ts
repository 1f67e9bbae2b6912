/**
 * Gives libhdf5 in WebAssembly access to one file. Its bytes are read from a `Readable` on demand, and every other path
 * is refused. Uses Emscripten's file system (https://emscripten.org/docs/api_reference/Filesystem-API.html) as
 * Emscripten's own lazy files do.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from '../../ground/base/readable.ts';

/** The part of Emscripten's file system that is used here; the package's types lack most of it. */
export type FileSystem = {
  readonly writeFile: (name: string, bytes: Uint8Array) => void;
  readonly lookupPath: (name: string) => { readonly node: FileNode };
  readonly ErrnoError: new (code: number) => Error;
  /** Every `open` call of the C library ends here. */
  open: (path: unknown, flags?: number | string, mode?: number) => unknown;
};

type FileNode = { usedBytes: number; stream_ops: Readonly<Record<string, unknown>> };

/** A file that libhdf5 can open. */
export type PlacedFile = {
  readonly name: string;
  /** Whether libhdf5 has tried to open any other file. */
  readonly askedForAnother: () => boolean;
};

/** WASI error numbers. */
const errno = { inputOutput: 29, noEntry: 44 } as const;
/** libhdf5 creates only its scratch files, and opens a directory only to search for plugins. */
const flag = { create: 0o100, directory: 0o200000 } as const;

/** Places the file under a random name, so that no link inside it can refer to it. The file system must be new. */
export const placeFile = (system: FileSystem, content: Readable): PlacedFile => {
  const name = `/${randomUUID()}.hdf5`;
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
  return { name, askedForAnother: refuseOthers(system, name) };
};

const refuseOthers = (system: FileSystem, name: string): (() => boolean) => {
  const open = system.open.bind(system);
  let asked = false;
  system.open = (path, flags, mode) => {
    const bits = typeof flags === 'number' ? flags : 0;
    if (path === name || (bits & flag.create) !== 0) return open(path, flags, mode);
    if ((bits & flag.directory) === 0) asked = true;
    throw new system.ErrnoError(errno.noEntry);
  };
  return () => asked;
};

/** libhdf5 handles only errno errors; any other exception would corrupt its state. */
const readOrFail = (
  system: FileSystem,
  content: Readable,
  [offset, length]: readonly [number, number],
): Uint8Array => {
  try {
    return content.read(offset, length);
  } catch {
    throw new system.ErrnoError(errno.inputOutput);
  }
};
