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
   * Stores the bytes so that the name appears only when they are all safe, in place of what has it. For what no manifest
   * names.
   * @throws UserError OutputUnwritable, DiskFull, StorageUnavailable
   */
  put(uri: string, bytes: Uint8Array, signal: AbortSignal): Promise<Stored>;
  /**
   * Stores the bytes whole under a name that nothing has yet, also against another pod at the same moment.
   * @returns false if something has the name
   * @throws UserError as `put`
   */
  create(uri: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean>;
  /** Names in the folder; none if it does not exist. @throws UserError InputNotFound, StorageUnavailable */
  list(folder: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Begins files of one folder that appear together. */
  stage(folder: string, signal: AbortSignal): Staging;
}

/** Files that have no name before `publish`; disposed of without it, nothing of them is left. */
export interface Staging extends AsyncDisposable {
  /**
   * `write` fills the empty file at the path that it is given.
   * @throws UserError OutputExists if something has the name, OutputUnwritable, DiskFull, and what `write` throws
   */
  make(file: string, write: (path: string) => Promise<void>): Promise<Stored>;
  /**
   * Gives all files their names, or none. Nothing is overwritten.
   * @throws UserError OutputExists if something has a name, OutputUnwritable, DiskFull
   */
  publish(): Promise<void>;
  /** Removes the files that `publish` named: another pod's are in their place. */
  withdraw(): Promise<void>;
}
