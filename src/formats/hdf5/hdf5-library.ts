/**
 * libhdf5 in WebAssembly, started again for each file. h5wasm reports libhdf5's errors by a JavaScript exception that
 * passes through WebAssembly frames: the stack pointer of WebAssembly is not restored, and about 930 bytes of its 2 MiB
 * stack are lost with each error. After some 2,200 damaged files the stack overwrites libhdf5's own data, and every later
 * file fails. An instance that serves one file sees a handful of errors and is then collected. A start takes about 22 ms.
 */
import type { Module } from 'h5wasm';
import { limits } from '../../ground/base/limits.ts';

export type Library = typeof Module;

type Factory = (options: Readonly<Record<string, unknown>>) => Promise<Library>;

/** The package's main file starts a single instance; the factory is beside it. */
const factory = async (): Promise<Factory> => {
  const beside = new URL('hdf5_util.js', import.meta.resolve('h5wasm'));
  const { default: made } = (await import(beside.href)) as { readonly default: Factory };
  return made;
};

const pageBytes = 65_536;

/**
 * libhdf5 asks for whatever a file claims, and the package sets no bound below 2 GiB; its memory is not among what the
 * package hands out, so that the one place to bound it is the method by which it grows. Refused, libhdf5 reports an error.
 */
const boundMemory = (): void => {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    if (this.buffer.byteLength + pages * pageBytes > limits.hdf5Bytes.most)
      throw new RangeError('HDF5 asks for more memory than it may have');
    return grow.call(this, pages);
  };
};

boundMemory();

const silent = (): void => {};

/** Throws libhdf5's errors, where by itself it prints them and answers with empty values. */
export const startLibrary = async (): Promise<Library> => {
  const start = await factory();
  const library = await start({ noInitialRun: true, stdin: () => null, print: silent, printErr: silent });
  library.activate_throwing_error_handler();
  return library;
};
