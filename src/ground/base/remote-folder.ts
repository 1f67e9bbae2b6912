/** Files that are on no disk, and are read one at a time. */

/** A file of a folder, as a listing shows it. */
export type ListedFile = { readonly name: string; readonly sizeBytes: number };

/** A folder in object storage. */
export type RemoteFolder = {
  readonly uri: string;
  /** The files directly in the folder. Listed once. @throws UserError InputNotFound, StorageDenied, StorageUnavailable */
  readonly list: () => Promise<readonly ListedFile[]>;
  /** The content of one file. @throws as `list` */
  readonly read: (name: string) => Promise<Uint8Array>;
};
