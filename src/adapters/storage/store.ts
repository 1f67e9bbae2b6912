/** Where artifacts live. `pvc.ts` is the one implementation so far; an object store comes behind the same methods. */
export type Stored = { readonly sha256: string; readonly sizeBytes: number };

export interface ArtifactStore {
  /**
   * A local path at which the file or folder can be read.
   * @throws UserError InputNotFound, StorageUnavailable
   */
  fetch(uri: string, signal: AbortSignal): Promise<string>;
  /** The real path of the folder that nothing behind the URI may leave. @throws UserError InputNotFound */
  boundaryOf(uri: string): Promise<string>;
  /** The whole content, or undefined if there is no such file. */
  read(uri: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * Stores the bytes so that the name appears only when they are all safe (temporary name, fsync, rename).
   * @throws UserError OutputUnwritable, DiskFull, StorageUnavailable
   */
  put(uri: string, bytes: Uint8Array, signal: AbortSignal): Promise<Stored>;
  /**
   * The same for content that is larger than memory: `write` fills the empty file at the path that it is given.
   * @throws UserError as `put`, and what `write` throws
   */
  make(uri: string, write: (path: string) => Promise<void>, signal: AbortSignal): Promise<Stored>;
}
