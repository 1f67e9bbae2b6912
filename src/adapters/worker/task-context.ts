/** The dependencies of containers that read data and store artifacts. */
import type { Watch } from '../../export/pipeline/export.ts';
import type { ArtifactStore } from '../storage/store.ts';

/** Dependencies of a task. */
export type TaskContext = Watch & {
  readonly store: ArtifactStore;
  /** Path of the mounted key. */
  readonly keyFile: string;
  /** Path of the experiment spec that is mounted from a ConfigMap. */
  readonly specFile: string;
  /** Monotonic time in milliseconds. */
  readonly clock: { now(): number };
  /** Writes a line to the pod's log. */
  readonly log: (level: 'INFO' | 'WARNING', message: string) => void;
};
