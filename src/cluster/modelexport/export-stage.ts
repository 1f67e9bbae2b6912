/** Where the export is: stored, running, waiting, failed, or still to be started. Pure. */

import { toArtifact } from '../../ground/contract/artifact.ts';
import { exportFolder, fileIn, folderOfFile, isIn } from '../../ground/contract/layout.ts';

import type { Exported } from '../../ground/contract/result.ts';
import type { Ledger } from '../api/ledger.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { Reason } from '../api/reasons.ts';
import type { ExportedArtifacts } from '../jobs/engine-job.ts';
import { exportJob } from '../jobs/export-job.ts';
import type { Job } from '../jobs/job.ts';
import { exportKey } from '../jobs/keys.ts';
import { withoutKey } from '../ownedjobs/ledger.ts';
import type { ObservedJob } from '../ownedjobs/observed-job.ts';
import { forgives, verificationOf } from '../ownedjobs/request.ts';
import { deadlineMsOf, type Step, stepped } from '../ownedjobs/step.ts';
import { obstructedWith } from '../ownedjobs/words.ts';
import type { Observed } from './observed.ts';
import { type ReferredFile, readyFile, tensorfileName, tensorfileWait, withFile } from './tensorfile.ts';

export type ExportStatus = NonNullable<NonNullable<ModelExport['status']>['export']>;

/** Of what is stored: the Job that checks it on request, or the one to be made for it. */
export type Checks = { readonly verifies?: ObservedJob; readonly toVerify?: Job };

export type ExportState =
  | { readonly kind: 'Waiting'; readonly reason: Reason; readonly message: string; readonly retry?: Job }
  | ({
      readonly kind: 'Exported';
      readonly stored: ExportStatus;
      readonly artifacts: ExportedArtifacts;
    } & Checks)
  | { readonly kind: 'Exporting'; readonly job: ObservedJob }
  | { readonly kind: 'ToExport'; readonly job: Job }
  | { readonly kind: 'Failed'; readonly reason: Reason; readonly message: string };

export type ExportStage = {
  readonly state: ExportState;
  /** What status remembers of the work. */
  readonly ledger: Ledger;
  /** When time alone changes the state, in milliseconds since the epoch. */
  readonly lookAtMs?: number;
};

export const exportStage = (observed: Observed): ExportStage => {
  const { modelExport, tensorfile } = observed;
  const name = tensorfileName(modelExport);
  if (name === undefined) return plannedStage(observed, modelExport, undefined);
  const file = readyFile(tensorfile);
  if (file) return plannedStage(observed, withFile(modelExport, file), file);
  const before = modelExport.status?.export?.calibrationTensorfile;
  const planned = before?.name === name ? withFile(modelExport, before) : undefined;
  // An export stays when its tensorfile is deleted or made again: only another file changes it.
  if (planned && isStored(planned)) return plannedStage(observed, planned, before);
  return {
    state: { kind: 'Waiting', ...tensorfileWait(name, observed) },
    ledger: withoutKey(modelExport.status?.export ?? {}),
  };
};

/** `file` is what the reference in the spec, if it has one, was replaced by. */
const plannedStage = (
  { jobs, images, now, obstacles }: Observed,
  modelExport: ModelExport,
  file: ReferredFile | undefined,
): ExportStage => {
  const before = modelExport.status?.export ?? {};
  const step: Step = {
    stage: 'export',
    owner: modelExport.metadata.name,
    key: exportKey(modelExport),
    folder: folderOf(modelExport),
    isStored: isStored(modelExport),
    job: () => exportJob(modelExport, images),
    deadlineMs: deadlineMsOf(modelExport.spec.jobs?.export),
  };
  const { state, ...rest } = stepped(step, {
    before,
    jobs,
    now,
    obstacles,
    forgiven: forgives(modelExport),
    verification: verificationOf(modelExport),
  });
  switch (state.kind) {
    case 'Stored':
      return { ...rest, state: { ...exported(storedPart(before), file), ...state, kind: 'Exported' } };
    case 'Made':
      return { ...rest, state: exported(storedOf(modelExport, state.result as Exported), file) };
    case 'Running':
      return { ...rest, state: { kind: 'Exporting', job: state.job } };
    case 'Start':
      return { ...rest, state: { kind: 'ToExport', job: state.job } };
    default:
      return { ...rest, state: obstructedWith(state) };
  }
};

const folderOf = (modelExport: ModelExport): string =>
  exportFolder(modelExport.spec.output.uri, exportKey(modelExport));

/** Status alone is enough once the export is in it: the Job may be long gone. */
const isStored = (modelExport: ModelExport): boolean => {
  const { key, etlt } = modelExport.status?.export ?? {};
  return key === exportKey(modelExport) && isIn(folderOf(modelExport), etlt?.uri);
};

/** A pod reports names; the folder that they are in is the one that its task named. */
const storedOf = (
  modelExport: ModelExport,
  { kind: _, reused: __, etlt, codecEtlt, calibrationCache, verification, report, inputs }: Exported,
): ExportStatus => {
  const folder = folderOf(modelExport);
  return {
    key: exportKey(modelExport),
    etlt: toArtifact(folder, etlt),
    ...(codecEtlt && { codecEtlt: toArtifact(folder, codecEtlt) }),
    ...(calibrationCache && { calibrationCache: toArtifact(folder, calibrationCache) }),
    ...(verification && { verification: toArtifact(folder, verification) }),
    ...(report && { report: reportPlaces(folder, report) }),
    ...(inputs && { inputs }),
  };
};

const reportPlaces = (folder: string, { file, pageFile }: NonNullable<Exported['report']>) => ({
  uri: fileIn(folder, file),
  ...(pageFile !== undefined && { pageUri: fileIn(folder, pageFile) }),
});

/** The artifacts in status, without what status remembers of the work on them. */
export const storedPart = (status: ExportStatus): ExportStatus => {
  const {
    wantedKey: _,
    attempts: __,
    verifiedRequest: ____,
    lastFailure: ___,
    nextAttempt,
    startedAt,
    finishedAt,
    ...stored
  } = status;
  return stored;
};

/** The folder is where the `.etlt` is: status is the one witness of what was exported where. */
const exported = (
  { calibrationTensorfile: _, ...stored }: ExportStatus,
  file: ReferredFile | undefined,
): Extract<ExportState, { kind: 'Exported' }> => {
  const { calibrationCache, verification } = stored;
  const etlt = stored.etlt!;
  const artifacts: ExportedArtifacts = {
    folder: folderOfFile(etlt.uri),
    etlt,
    ...(calibrationCache && { calibrationCache }),
    ...(verification && { verification }),
  };
  return { kind: 'Exported', stored: { ...stored, ...(file && { calibrationTensorfile: file }) }, artifacts };
};
