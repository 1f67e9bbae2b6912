/** What `status` reports of a ModelExport: the JSON that it prints. */
import type { Running } from '../api/running.ts';
import type { JobReport } from './jobs-report.ts';
import type { StageState } from './stage.ts';

/** A stored file. */
export type ArtifactReport = { readonly name: string; readonly uri: string; readonly sizeBytes?: number };

/** The export, or the engine of one class. */
export type StageReport = {
  readonly stage: 'export' | 'engine';
  readonly deviceClass?: string;
  /** Of the stored engine, where the build chose it; else as requested. */
  readonly dataType?: string;
  /** Why the build chose it. */
  readonly because?: string;
  readonly state: StageState;
  readonly reason: string;
  readonly message: string;
  readonly failedAttempts: number;
  readonly nextAttempt?: string;
  /** What its pod reported last. */
  readonly running?: Running;
  readonly artifacts: readonly ArtifactReport[];
  readonly jobs: readonly JobReport[];
};

/** A warning event, newest first. */
export type WarningReport = {
  readonly about: string;
  readonly reason: string;
  readonly message: string;
  readonly time?: string;
};

/** The report of one ModelExport. */
export type StatusReport = {
  readonly namespace: string;
  readonly name: string;
  /**
   * `Unseen`: the status describes an older spec. `Requested`: Stalled, and the operator has not handled a request for another
   * attempt yet.
   */
  readonly state: 'Ready' | 'Stalled' | 'Reconciling' | 'Suspended' | 'Unseen' | 'Requested';
  readonly reason?: string;
  readonly message?: string;
  readonly enginesReady?: string;
  readonly stages: readonly StageReport[];
  readonly warnings: readonly WarningReport[];
  /** Lists that the user may not read. */
  readonly unreadable: readonly string[];
  readonly next: readonly Advice[];
};

/** A remedy, and the stages that need it. */
export type Advice = { readonly about: readonly string[]; readonly reason: string; readonly remedy: string };
