/** The state of the Job whose pods count the calibration images in parts, before the export starts. Pure. */
import { histogramPartsFolder } from '../../ground/contract/layout.ts';
import type { Ledger } from '../api/ledger.ts';
import type { ModelExport } from '../api/model-export.ts';
import { countParts, makeCalibrationJob } from '../jobs/export-job.ts';
import type { Job } from '../jobs/job.ts';
import { computeHistogramsKey, computePartsKey } from '../jobs/keys.ts';
import { planJob } from '../jobs/template.ts';
import { type ArtifactPlan, assessArtifact, deadlineMsOf } from '../ownedjobs/artifact.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { describeObstruction, type Obstruction } from '../ownedjobs/obstruction.ts';
import { placeByVolumes } from '../ownedjobs/one-node.ts';
import type { Outcome } from '../ownedjobs/outcome.ts';
import { requestsRetry } from '../ownedjobs/request.ts';
import { describeRunning } from '../ownedjobs/running.ts';
import type { ObservedExport } from './observed.ts';

/** `status.calibration`. */
export type CalibrationStatus = NonNullable<NonNullable<ModelExport['status']>['calibration']>;

/** Where the counting is; `Counted`: all parts are stored. */
export type CalibrationState =
  | { readonly kind: 'Counted' }
  | { readonly kind: 'Exporting'; readonly job: ObservedJob }
  | { readonly kind: 'ToExport'; readonly job: Job }
  | Obstruction;

/** The counting, and what status says about it. */
export type CalibrationStage = {
  readonly state: CalibrationState;
  readonly status: CalibrationStatus;
  readonly lookAtMs?: number;
  readonly outcomes?: readonly Outcome[];
  readonly needsFreshPods?: true;
};

/**
 * The state of the counting; undefined if the export pod counts the images.
 * @param modelExport with the file in place of a reference
 */
export const assessCalibration = (
  { jobs, images, now, obstacles }: ObservedExport,
  modelExport: ModelExport,
): CalibrationStage | undefined => {
  const { spec, status } = modelExport;
  const parts = countParts(spec);
  if (parts === undefined) return undefined;
  const before = status?.calibration ?? {};
  const key = computePartsKey(modelExport, parts);
  const step: ArtifactPlan = {
    stage: 'calibration',
    owner: modelExport.metadata.name,
    key,
    folder: histogramPartsFolder(spec.output.uri, computeHistogramsKey(modelExport)),
    isStored: before.key === key,
    ...planJob(() => placeByVolumes(makeCalibrationJob(modelExport, images)!, obstacles.findClaim)),
    deadlineMs: deadlineMsOf(spec.jobs?.export),
  };
  const isRetryRequested = requestsRetry(modelExport);
  const facts = { before, jobs, now, obstacles, isRetryRequested, verification: undefined };
  const { state, ledger, ...rest } = assessArtifact(step, facts);
  switch (state.kind) {
    case 'Stored':
    case 'Made':
      return { ...rest, state: { kind: 'Counted' }, status: { ...ledger, key } };
    case 'Running': {
      const running = describeRunning(withTotal(state.job, spec), before);
      return {
        ...rest,
        state: { kind: 'Exporting', job: state.job },
        status: makeUnfinished(before, ledger, running),
      };
    }
    case 'Start':
      return { ...rest, state: { kind: 'ToExport', job: state.job }, status: makeUnfinished(before, ledger) };
    default:
      return { ...rest, state: describeObstruction(state), status: makeUnfinished(before, ledger) };
  }
};

/** What was counted before stays in status: a spec that is changed back needs no new pass. */
const makeUnfinished = (
  { key }: CalibrationStatus,
  ledger: Ledger,
  running: Pick<CalibrationStatus, 'running'> = {},
): CalibrationStatus => ({ ...ledger, ...running, ...(key !== undefined && { key }) });

/** Parts whose pods have reported nothing yet count as well. */
const withTotal = (job: ObservedJob, { calibration }: ModelExport['spec']): ObservedJob => {
  const { report } = job;
  if (report?.activity !== 'Calibrating' || calibration === undefined) return job;
  return {
    ...job,
    report: { ...report, total: Math.max(report.done, calibration.batches * calibration.batchSize) },
  };
};
