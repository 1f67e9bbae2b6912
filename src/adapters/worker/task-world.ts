/** What the containers that read data and store artifacts have of the world outside. */
import type { Watch } from '../../export/pipeline/export.ts';
import type { ArtifactStore } from '../storage/store.ts';

export type TaskWorld = Watch & {
  readonly store: ArtifactStore;
  readonly keyFile: string;
  /** Where a ConfigMap's experiment spec is mounted. */
  readonly specFile: string;
  /** Milliseconds, with fractions, from any start. */
  readonly clock: { now(): number };
  /** A line in the pod's log. */
  readonly log: (level: 'INFO' | 'WARNING', message: string) => void;
};
