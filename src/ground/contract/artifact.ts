/** Files that pods made, with the place where they are. */
import { fileIn } from './layout.ts';
import type { StoredFile } from './result.ts';

export type Artifact = { readonly uri: string; readonly sha256: string; readonly sizeBytes: number };

/** A reported file in its place: the folder comes from the task, because a report names files and no folders. */
export const toArtifact = <T extends StoredFile>(
  folder: string,
  { file, ...facts }: T,
): Omit<T, 'file'> & { readonly uri: string } => ({ uri: fileIn(folder, file), ...facts });
