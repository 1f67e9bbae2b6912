/** `manifest.json`, written last into an artifact folder: where it is, everything that it lists is whole. */
import type { Result } from './result.ts';

export type Manifest = {
  readonly formatVersion: 1;
  /** The export key or engine key that the folder is named after. */
  readonly key: string;
  /** Digests of what went in, found by the worker itself; the same digests mean finished work. */
  readonly inputs: Readonly<Record<string, string>>;
  /** File name → digest and size of everything in the folder. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly sizeBytes: number }>>;
  /** What the pod reported. */
  readonly result: Exclude<Result, { kind: 'Failed' }>;
  /** How to use the files, for people. */
  readonly notes: readonly string[];
};
