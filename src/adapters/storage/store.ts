/** The interface of artifact storage: `pvc.ts` for claims, `s3/s3-store.ts` for object storage, `stores.ts` for both. */
import type { LimitName } from '../../ground/base/limits.ts';
import type { RemoteFolder } from '../../ground/base/remote-folder.ts';

/** Digest and size of a stored file. */
export type FileDigest = { readonly sha256: string; readonly sizeBytes: number };

/** A folder of inputs. `boundary` is the real path of the folder that no link in it may leave. */
export type StoredFolder =
  | { readonly kind: 'Local'; readonly path: string; readonly boundary: string }
  | { readonly kind: 'Remote'; readonly folder: RemoteFolder };

/** Storage that is addressed by URIs. */
export interface ArtifactStore {
  /**
   * Returns a local path of the file.
   * @throws UserError InputNotFound, StorageUnavailable, StorageDenied, ScratchTooSmall
   */
  fetch(uri: string, signal: AbortSignal): Promise<string>;
  /**
   * Checks before work starts that these files can be fetched.
   * @throws UserError ScratchTooSmall, StorageUnavailable, StorageDenied
   */
  requireRoom(uris: readonly string[], signal: AbortSignal): Promise<void>;
  /** Opens a folder of inputs. @throws UserError InputNotFound, StorageUnavailable, StorageDenied */
  openFolder(uri: string, signal: AbortSignal): Promise<StoredFolder>;
  /** Whether the file exists and has this content. @throws UserError StorageUnavailable, StorageDenied */
  hasContent(uri: string, expected: FileDigest, signal: AbortSignal): Promise<boolean>;
  /**
   * Reads the whole file; undefined if it does not exist. Its size is compared with the limit first.
   * @throws UserError InputNotFound for a larger file, StorageUnavailable, StorageDenied
   */
  read(uri: string, limit: LimitName, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /**
   * Writes a file atomically, replacing an existing one. For files that no manifest lists.
   * @throws UserError OutputUnwritable, DiskFull, StorageUnavailable, StorageDenied
   */
  put(uri: string, bytes: Uint8Array, signal: AbortSignal): Promise<FileDigest>;
  /**
   * Creates a file atomically, also against other pods.
   * @returns false if the name is taken
   * @throws UserError as `put`
   */
  create(uri: string, bytes: Uint8Array, signal: AbortSignal): Promise<boolean>;
  /** Removes a file; does nothing if it does not exist. @throws UserError OutputUnwritable, StorageUnavailable, StorageDenied */
  remove(uri: string, signal: AbortSignal): Promise<void>;
  /** Lists the names in a folder; empty if it does not exist. @throws UserError InputNotFound, StorageUnavailable, StorageDenied */
  list(folder: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Starts a group of files in one folder that appear together. */
  stage(folder: string, signal: AbortSignal): Staging;
}

/** Files that get their names in `publish`. Disposal without `publish` removes them. */
export interface Staging extends AsyncDisposable {
  /**
   * Creates an empty temporary file and passes its path to `write`, which fills it.
   * @throws UserError OutputExists if the name is taken, those of `put`, and the errors of `write`
   */
  make(file: string, write: (path: string) => Promise<void>): Promise<FileDigest>;
  /**
   * Gives all files their names, or none. Existing files are not overwritten.
   * @throws UserError OutputExists if a name is taken, and those of `put`
   */
  publish(): Promise<void>;
  /** Removes the published files, because another pod recorded the same work first. */
  withdraw(): Promise<void>;
}
