/**
 * libhdf5 in WebAssembly, with a new instance for each file. h5wasm reports errors by a JavaScript exception that
 * passes through WebAssembly frames without restoring their stack pointer; each error loses about 930 bytes of the 2
 * MiB stack. After about 2,200 damaged files the stack overwrites libhdf5's data and every later file fails. An
 * instance that serves one file sees a few errors and is then garbage-collected. The first start of a process takes
 * about 30 ms, because it compiles libhdf5. Each later start takes 9 ms.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
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
    if (this.buffer.byteLength + pages * pageBytes > limits.hdf5Bytes.max)
      throw new RangeError('HDF5 needs more memory than the limit allows');
    return grow.call(this, pages);
  };
};

boundMemory();

/** libhdf5 as the first start compiled it. The package holds it as text in its code, and compiles it at each start. */
let code: WebAssembly.Module | undefined;

/** Set in the calls of a start: the build of h5wasm for writing may instantiate other code at the same time. */
const starting = new AsyncLocalStorage<true>();

const keepCode = (): void => {
  const { instantiate } = WebAssembly;
  const watched = async (bytes: BufferSource, imports?: WebAssembly.Imports) => {
    const made = await instantiate(bytes, imports);
    if (starting.getStore()) code ??= made.module;
    return made;
  };
  WebAssembly.instantiate = watched as typeof instantiate;
};

keepCode();

type Receive = (instance: WebAssembly.Instance, module: WebAssembly.Module) => void;

/** How emscripten has its code instantiated by a caller that has compiled it. */
const fromCode = (module: WebAssembly.Module) => ({
  instantiateWasm: (imports: WebAssembly.Imports, receive: Receive): void =>
    receive(new WebAssembly.Instance(module, imports), module),
});

const ignoreOutput = (): void => {};

/** Starts an instance that throws libhdf5's errors. By default the package prints them and returns empty values. */
export const startLibrary = async (): Promise<Library> => {
  const start = await loadFactory();
  const quiet = { noInitialRun: true, stdin: () => null, print: ignoreOutput, printErr: ignoreOutput };
  const library = await starting.run(true, () => start({ ...quiet, ...(code && fromCode(code)) }));
  library.activate_throwing_error_handler();
  return library;
};
