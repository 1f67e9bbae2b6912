/** Where the export stands: finished in status, finished in its Job, running, or still to be started. Pure. */

import { placed } from '../../ground/contract/artifact.ts';
import { artifactFiles, exportFolder, fileIn } from '../../ground/contract/layout.ts';
import type { Exported, Failed, Result } from '../../ground/contract/result.ts';
import { retryOf } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { ExportedArtifacts } from '../jobs/engine-job.ts';
import { exportJob, exportJobName } from '../jobs/export-job.ts';
import type { Job } from '../jobs/job.ts';
import { exportKey } from '../jobs/keys.ts';
import type { Blocked, JobFailureReason } from '../ownedjobs/observed-job.ts';
import type { Observed } from './observed.ts';
import {
  type ReferredFile,
  readyFile,
  type TensorfileWait,
  tensorfileName,
  tensorfileWait,
  withFile,
} from './tensorfile.ts';

export type ExportStatus = NonNullable<NonNullable<ModelExport['status']>['export']>;

/** Waiting has neither Job nor key: what it would be made from is not known yet. */
export type ExportStage = { readonly jobName: string | undefined; readonly wantedKey: string | undefined } & (
  | ({ readonly kind: 'Waiting' } & TensorfileWait)
  | { readonly kind: 'Exported'; readonly status: ExportStatus; readonly artifacts: ExportedArtifacts }
  | { readonly kind: 'Exporting'; readonly blocked?: Blocked }
  | { readonly kind: 'ToExport'; readonly job: Job }
  | { readonly kind: 'Failed'; readonly reason: JobFailureReason; readonly message: string }
);

export const exportStage = (observed: Observed): ExportStage => {
  const { modelExport, tensorfile } = observed;
  const name = tensorfileName(modelExport);
  if (name === undefined) return plannedStage(observed, modelExport, undefined);
  const file = readyFile(tensorfile);
  if (file) return plannedStage(observed, withFile(modelExport, file), file);
  const unknown = { jobName: undefined, wantedKey: undefined } as const;
  const waiting = { ...unknown, kind: 'Waiting', ...tensorfileWait(name, observed) } as const;
  return exportedBefore(modelExport, name) ?? waiting;
};

/** An export stays when the tensorfile that it was made from goes, or is being made anew: only another file changes it. */
const exportedBefore = (modelExport: ModelExport, name: string): ExportStage | undefined => {
  const file = modelExport.status?.export?.calibrationTensorfile;
  if (file?.name !== name) return undefined;
  const planned = withFile(modelExport, file);
  const stored = storedExport(planned, file);
  const jobName = exportJobName(planned, retryOf(planned));
  return stored && { jobName, wantedKey: exportKey(planned), ...stored };
};

/** `file` is what the reference in the spec, if it has one, was replaced by. */
const plannedStage = (
  { jobs, images }: Observed,
  modelExport: ModelExport,
  file: ReferredFile | undefined,
): ExportStage => {
  const retry = retryOf(modelExport);
  const planned = { jobName: exportJobName(modelExport, retry), wantedKey: exportKey(modelExport) };
  const stored = storedExport(modelExport, file);
  if (stored) return { ...planned, ...stored };
  const state = jobs.find((job) => job.name === planned.jobName)?.state;
  if (!state) return { ...planned, kind: 'ToExport', job: exportJob(modelExport, images, retry) };
  switch (state.kind) {
    case 'Active':
      return { ...planned, kind: 'Exporting', ...(state.blocked && { blocked: state.blocked }) };
    case 'ResultUnknown':
      return { ...planned, kind: 'Exporting' };
    case 'Failed':
      return { ...planned, kind: 'Failed', reason: state.reason, message: state.message };
    default:
      return { ...planned, ...answered(modelExport, state.result, file) };
  }
};

const answered = (
  modelExport: ModelExport,
  result: Exclude<Result, Failed>,
  file: ReferredFile | undefined,
) =>
  result.kind === 'Exported'
    ? finished(statusOf(modelExport, result), file)
    : ({ kind: 'Failed', reason: 'Internal', message: 'the export pod answered for another stage' } as const);

/** Status alone is enough once the export is in it: the Job may be long gone. */
const storedExport = (modelExport: ModelExport, file: ReferredFile | undefined) => {
  const stored = modelExport.status?.export;
  if (!stored?.etlt || stored.key !== exportKey(modelExport)) return undefined;
  return (stored.retry ?? '') === retryOf(modelExport) ? finished(stored, file) : undefined;
};

/** A pod reports names; the folder that they are in is the one that its task named. */
const statusOf = (
  modelExport: ModelExport,
  { kind: _, reused: __, etlt, codecEtlt, calibrationCache, verification, report, inputs }: Exported,
): ExportStatus => {
  const key = exportKey(modelExport);
  const folder = exportFolder(modelExport.spec.output.uri, key);
  return {
    key,
    ...(retryOf(modelExport) && { retry: retryOf(modelExport) }),
    etlt: placed(folder, etlt),
    ...(codecEtlt && { codecEtlt: placed(folder, codecEtlt) }),
    ...(calibrationCache && { calibrationCache: placed(folder, calibrationCache) }),
    ...(verification && { verification: placed(folder, verification) }),
    ...(report && { report: reportPlaces(folder, report) }),
    ...(inputs && { inputs }),
  };
};

const reportPlaces = (folder: string, { file, pageFile }: NonNullable<Exported['report']>) => ({
  uri: fileIn(folder, file),
  ...(pageFile !== undefined && { pageUri: fileIn(folder, pageFile) }),
});

/** The folder is where the `.etlt` is: status is the one witness of what was exported where. */
const finished = (
  { calibrationTensorfile: _, wantedKey: __, ...stored }: ExportStatus,
  file: ReferredFile | undefined,
) => {
  const { calibrationCache, verification } = stored;
  const etlt = stored.etlt!;
  const status: ExportStatus = { ...stored, ...(file && { calibrationTensorfile: file }) };
  const artifacts: ExportedArtifacts = {
    folder: etlt.uri.slice(0, -artifactFiles.etlt.length - 1),
    etlt,
    ...(calibrationCache && { calibrationCache }),
    ...(verification && { verification }),
  };
  return { kind: 'Exported', status, artifacts } as const;
};
