/** The interface of artifact storage; `pvc.ts` implements it. */

/** Digest and size of a stored file. */
export type FileDigest = { readonly sha256: string; readonly sizeBytes: number };

/** Storage that is addressed by URIs. */
export interface ArtifactStore {
  /**
   * Returns a local path of the file or folder.
   * @throws UserError InputNotFound, StorageUnavailable
   */
  fetch(uri: string, signal: AbortSignal): Promise<string>;
  /** Returns the real path of the folder that no link behind the URI may leave. @throws UserError InputNotFound */
  boundaryOf(uri: string): Promise<string>;
  /** Reads the whole file; undefined if it does not exist. */
  read(uri: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * Writes a file atomically, replacing an existing one. For files that no manifest lists.
   * @throws UserError OutputUnwritable, DiskFull, StorageUnavailable
   */
  put(uri: string, bytes: Uint8Array, signal: AbortSignal): Promise<FileDigest>;
  /**
   * Creates a file atomically, also against other pods.
   * @returns false if the name is taken
   * @throws UserError as `put`
   */
  create(uri: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean>;
  /** Removes a file; does nothing if it does not exist. @throws UserError OutputUnwritable, StorageUnavailable */
  remove(uri: string, signal: AbortSignal): Promise<void>;
  /** Lists the names in a folder; empty if it does not exist. @throws UserError InputNotFound, StorageUnavailable */
  list(folder: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Starts a group of files in one folder that appear together. */
  stage(folder: string, signal: AbortSignal): Staging;
}

/** Files that get their names in `publish`. Disposal without `publish` removes them. */
export interface Staging extends AsyncDisposable {
  /**
   * Creates an empty temporary file and passes its path to `write`, which fills it.
   * @throws UserError OutputExists if the name is taken, OutputUnwritable, DiskFull, and the errors of `write`
   */
  make(file: string, write: (path: string) => Promise<void>): Promise<FileDigest>;
  /**
   * Gives all files their names, or none. Existing files are not overwritten.
   * @throws UserError OutputExists if a name is taken, OutputUnwritable, DiskFull
   */
  publish(): Promise<void>;
  /** Removes the published files, because another pod recorded the same work first. */
  withdraw(): Promise<void>;
}
