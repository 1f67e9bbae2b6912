/** The state of the export: stored, running, waiting, failed, or to be started. Pure. */

import { toArtifact } from '../../ground/contract/artifact.ts';
import { exportFolder, fileIn, folderOfFile, isIn } from '../../ground/contract/layout.ts';

import type { Exported } from '../../ground/contract/result.ts';
import type { Ledger } from '../api/ledger.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { ExportedArtifacts } from '../jobs/engine-job.ts';
import { countParts, makeExportJob } from '../jobs/export-job.ts';
import type { Job } from '../jobs/job.ts';
import { computeExportKey } from '../jobs/keys.ts';
import { planJob } from '../jobs/template.ts';
import { type ArtifactPlan, assessArtifact, deadlineMsOf } from '../ownedjobs/artifact.ts';
import { dropWantedKey } from '../ownedjobs/ledger.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { describeObstruction, type Obstruction } from '../ownedjobs/obstruction.ts';
import { placeByVolumes } from '../ownedjobs/one-node.ts';
import type { Outcome } from '../ownedjobs/outcome.ts';
import { requestedVerification, requestsRetry } from '../ownedjobs/request.ts';
import { assessCalibration, type CalibrationStatus } from './calibration-stage.ts';
import type { ObservedExport } from './observed.ts';
import {
  explainTensorfileWait,
  findReadyFile,
  findTensorfileName,
  type ReferencedFile,
  resolveReference,
} from './tensorfile.ts';

/** `status.export`. */
export type ExportStatus = NonNullable<NonNullable<ModelExport['status']>['export']>;

/** Jobs that verify a stored artifact: a running one, or one to create. */
export type VerificationJobs = { readonly verifies?: ObservedJob; readonly toVerify?: Job };

/** Where the export is. `retry` is a rejected Job whose next create is due. */
export type ExportState =
  | ({
      readonly kind: 'Exported';
      readonly stored: ExportStatus;
      readonly artifacts: ExportedArtifacts;
    } & VerificationJobs)
  | { readonly kind: 'Exporting'; readonly job: ObservedJob }
  | { readonly kind: 'ToExport'; readonly job: Job }
  | Obstruction;

/** The export: its state, and the attempts to record in status. */
export type ExportStage = {
  readonly state: ExportState;
  /** The attempts to record in status. */
  readonly ledger: Ledger;
  /** When time alone changes the state, in milliseconds since the epoch. */
  readonly lookAtMs?: number;
  readonly outcomes?: readonly Outcome[];
  readonly needsFreshPods?: true;
  /** `status.calibration`; undefined if nothing of it changes. */
  readonly calibration?: CalibrationStatus;
  /** Number of pods that count the images at present. */
  readonly countingPods?: number;
};

/** The state of the export. It waits until the CalibrationTensorfile that it references is ready. */
export const assessExport = (observed: ObservedExport): ExportStage => {
  const { modelExport, tensorfile } = observed;
  const name = findTensorfileName(modelExport);
  if (name === undefined) return assessPlannedExport(observed, modelExport, undefined);
  const file = findReadyFile(tensorfile);
  if (file) return assessPlannedExport(observed, resolveReference(modelExport, file), file);
  const before = modelExport.status?.export?.calibrationTensorfile;
  const planned = before?.name === name ? resolveReference(modelExport, before) : undefined;
  // An export stays valid when its CalibrationTensorfile is deleted or recreated; only another file changes it.
  if (planned && isStored(planned)) return assessPlannedExport(observed, planned, before);
  return {
    state: { kind: 'Waiting', ...explainTensorfileWait(name, observed) },
    ledger: dropWantedKey(modelExport.status?.export ?? {}),
  };
};

/**
 * @param modelExport with the file in place of a reference
 * @param file the file that replaced the reference, if the spec has one
 */
const assessPlannedExport = (
  observed: ObservedExport,
  modelExport: ModelExport,
  file: ReferencedFile | undefined,
): ExportStage => {
  const { jobs, images, now, obstacles } = observed;
  const before = modelExport.status?.export ?? {};
  const step: ArtifactPlan = {
    stage: 'export',
    owner: modelExport.metadata.name,
    key: computeExportKey(modelExport),
    folder: folderOf(modelExport),
    isStored: isStored(modelExport),
    ...planJob(() => placeByVolumes(makeExportJob(modelExport, images), obstacles.findClaim)),
    deadlineMs: deadlineMsOf(modelExport.spec.jobs?.export),
  };
  const { state, ...rest } = assessArtifact(step, {
    before,
    jobs,
    now,
    obstacles,
    isRetryRequested: requestsRetry(modelExport),
    verification: requestedVerification(modelExport),
  });
  switch (state.kind) {
    case 'Stored':
      return {
        ...rest,
        state: { ...makeExportedState(pickArtifacts(before), file), ...state, kind: 'Exported' },
      };
    case 'Made':
      return {
        ...rest,
        state: makeExportedState(toExportStatus(modelExport, state.result as Exported), file),
      };
    case 'Running':
      return { ...rest, state: { kind: 'Exporting', job: state.job } };
    case 'Start':
      return startAfterCalibration(
        { ...rest, state: { kind: 'ToExport', job: state.job } },
        observed,
        modelExport,
      );
    default:
      return { ...rest, state: describeObstruction(state) };
  }
};

/** The export starts once all parts of its calibration are counted. */
const startAfterCalibration = (
  start: ExportStage,
  observed: ObservedExport,
  modelExport: ModelExport,
): ExportStage => {
  const counting = assessCalibration(observed, modelExport);
  if (counting === undefined) return start;
  const { state, status, lookAtMs, needsFreshPods, outcomes = [] } = counting;
  const known = {
    ...start,
    calibration: status,
    outcomes: [...(start.outcomes ?? []), ...outcomes],
  };
  if (state.kind === 'Counted') return known;
  const isUnderway = state.kind === 'Exporting' || state.kind === 'ToExport';
  return {
    ...known,
    state,
    ...(lookAtMs !== undefined && { lookAtMs }),
    ...(needsFreshPods && { needsFreshPods }),
    ...(isUnderway && { countingPods: countParts(modelExport.spec)! }),
  };
};

const folderOf = (modelExport: ModelExport): string =>
  exportFolder(modelExport.spec.output.uri, computeExportKey(modelExport));

/** Whether status lists the export. The Job may have been deleted. */
const isStored = (modelExport: ModelExport): boolean => {
  const { key, etlt } = modelExport.status?.export ?? {};
  return key === computeExportKey(modelExport) && isIn(folderOf(modelExport), etlt?.uri);
};

/** `status.export` from a result. Results contain file names; the folder is that of the task. */
const toExportStatus = (modelExport: ModelExport, result: Exported): ExportStatus => {
  const { etlt, codecEtlt, calibrationCache, distributions, verification, deployment, report, inputs } =
    result;
  const folder = folderOf(modelExport);
  return {
    key: computeExportKey(modelExport),
    etlt: toArtifact(folder, etlt),
    ...(codecEtlt && { codecEtlt: toArtifact(folder, codecEtlt) }),
    ...(calibrationCache && { calibrationCache: toArtifact(folder, calibrationCache) }),
    ...(distributions && { distributions: toArtifact(folder, distributions) }),
    ...(verification && { verification: toArtifact(folder, verification) }),
    ...(deployment && { deployment: toArtifact(folder, deployment) }),
    ...(report && { report: locateReport(folder, report) }),
    ...(inputs && { inputs }),
  };
};

const locateReport = (folder: string, { file, pageFile }: NonNullable<Exported['report']>) => ({
  uri: fileIn(folder, file),
  ...(pageFile !== undefined && { pageUri: fileIn(folder, pageFile) }),
});

/** The artifacts in status, without the attempts and what runs. */
export const pickArtifacts = (status: ExportStatus): ExportStatus => {
  const {
    wantedKey: _,
    attempts: __,
    verifiedRequest: ____,
    lastFailure: ___,
    nextAttempt,
    startedAt,
    finishedAt,
    running,
    ...stored
  } = status;
  return stored;
};

/** The stored export. Its folder is that of the `.etlt`, as status has it. */
const makeExportedState = (
  { calibrationTensorfile: _, ...stored }: ExportStatus,
  file: ReferencedFile | undefined,
): Extract<ExportState, { kind: 'Exported' }> => {
  const { calibrationCache, distributions, verification, deployment, codecEtlt } = stored;
  const etlt = stored.etlt!;
  const artifacts: ExportedArtifacts = {
    folder: folderOfFile(etlt.uri),
    etlt,
    ...(calibrationCache && { calibrationCache }),
    ...(distributions && { distributions }),
    ...(verification && { verification }),
    ...(deployment && { deployment }),
    ...(codecEtlt && { codecEtlt }),
  };
  return { kind: 'Exported', stored: { ...stored, ...(file && { calibrationTensorfile: file }) }, artifacts };
};
