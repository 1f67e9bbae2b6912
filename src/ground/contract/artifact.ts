/** Artifacts in status: files with their location. */
import { fileIn } from './layout.ts';
import type { StoredFile } from './result.ts';

/** An artifact: URI, SHA-256 and size in bytes. */
export type Artifact = { readonly uri: string; readonly sha256: string; readonly sizeBytes: number };

/** Adds the URI to a reported file. The folder comes from the task, because a report must not choose where its files are. */
export const toArtifact = <T extends StoredFile>(
  folder: string,
  { file, ...facts }: T,
): Omit<T, 'file'> & { readonly uri: string } => ({ uri: fileIn(folder, file), ...facts });
