/**
 * libhdf5 in WebAssembly, with a new instance for each file. h5wasm reports errors by a JavaScript exception that
 * passes through WebAssembly frames without restoring their stack pointer; each error loses about 930 bytes of the 2
 * MiB stack. After about 2,200 damaged files the stack overwrites libhdf5's data and every later file fails. An
 * instance that serves one file sees a few errors and is then garbage-collected. Starting one takes about 22 ms.
 */
import type { Module } from 'h5wasm';
import { limits } from '../../ground/base/limits.ts';

/** An instance of libhdf5 with h5wasm's bindings. */
export type Library = typeof Module;

type Factory = (options: Readonly<Record<string, unknown>>) => Promise<Library>;

/** The package's main module exports a single instance; the factory is in a file beside it. */
const loadFactory = async (): Promise<Factory> => {
  const beside = new URL('hdf5_util.js', import.meta.resolve('h5wasm'));
  const { default: made } = (await import(beside.href)) as { readonly default: Factory };
  return made;
};

const pageBytes = 65_536;

/**
 * Limits the memory of WebAssembly. libhdf5 allocates what a file claims, the package's own limit is 2 GiB, and the
 * package does not expose its memory, so the limit is set on the method that grows it. libhdf5 then reports an error.
 */
const boundMemory = (): void => {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    if (this.buffer.byteLength + pages * pageBytes > limits.hdf5Bytes.most)
      throw new RangeError('HDF5 needs more memory than the limit allows');
    return grow.call(this, pages);
  };
};

boundMemory();

const ignoreOutput = (): void => {};

/** Starts an instance that throws libhdf5's errors. By default the package prints them and returns empty values. */
export const startLibrary = async (): Promise<Library> => {
  const start = await loadFactory();
  const library = await start({
    noInitialRun: true,
    stdin: () => null,
    print: ignoreOutput,
    printErr: ignoreOutput,
  });
  library.activate_throwing_error_handler();
  return library;
};
