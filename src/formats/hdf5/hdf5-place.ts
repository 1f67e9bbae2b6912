/**
 * One file for libhdf5 in WebAssembly, and no other: its bytes come from a `Readable` as they are read, so none of them are
 * held, and every other path is refused. The file system is Emscripten's
 * (https://emscripten.org/docs/api_reference/Filesystem-API.html); its own lazy files are made in the same way.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from '../../ground/base/readable.ts';

/** The used part of Emscripten's file system; the package's types lack most of it. */
export type FileSystem = {
  readonly writeFile: (name: string, bytes: Uint8Array) => void;
  readonly lookupPath: (name: string) => { readonly node: FileNode };
  readonly ErrnoError: new (code: number) => Error;
  /** Every open of the C library goes through this member. */
  open: (path: unknown, flags?: number | string, mode?: number) => unknown;
};

type FileNode = { usedBytes: number; stream_ops: Readonly<Record<string, unknown>> };

export type PlacedFile = {
  readonly name: string;
  /** Whether libhdf5 has asked for a file other than this one. */
  readonly askedForAnother: () => boolean;
};

/** WASI's numbers of errors. */
const errno = { inputOutput: 29, noEntry: 44 } as const;
/** Only libhdf5's own scratch files are created, and only its search for plugins opens a folder. */
const flag = { create: 0o100, directory: 0o200000 } as const;

/** Places the file under a name that nothing inside it can know. The file system must have been made for this one file. */
export const placed = (system: FileSystem, content: Readable): PlacedFile => {
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

/** libhdf5 understands an error's number and no other throw: its own state would be left behind broken. */
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
