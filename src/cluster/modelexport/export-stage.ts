/** Where the export stands: finished in status, finished in its Job, running, or still to be started. Pure. */

import { artifactFiles } from '../../ground/contract/layout.ts';
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

export type ExportStatus = Pick<
  NonNullable<ModelExport['status']>,
  | 'exportKey'
  | 'retry'
  | 'etlt'
  | 'codecEtlt'
  | 'calibrationCache'
  | 'calibrationTensorfile'
  | 'verification'
  | 'report'
>;

/** Waiting has no Job: what it would be named after is not known yet. */
export type ExportStage = { readonly jobName: string | undefined } & (
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
  const waiting = { jobName: undefined, kind: 'Waiting', ...tensorfileWait(name, observed) } as const;
  return exportedBefore(modelExport, name) ?? waiting;
};

/** An export stays when the tensorfile that it was made from goes, or is being made anew: only another file changes it. */
const exportedBefore = (modelExport: ModelExport, name: string): ExportStage | undefined => {
  const file = modelExport.status?.calibrationTensorfile;
  if (file?.name !== name) return undefined;
  const planned = withFile(modelExport, file);
  const stored = storedExport(planned, file);
  return stored && { jobName: exportJobName(planned, retryOf(planned)), ...stored };
};

/** `file` is what the reference in the spec, if it has one, was replaced by. */
const plannedStage = (
  { jobs, images }: Observed,
  modelExport: ModelExport,
  file: ReferredFile | undefined,
): ExportStage => {
  const retry = retryOf(modelExport);
  const jobName = exportJobName(modelExport, retry);
  const stored = storedExport(modelExport, file);
  if (stored) return { jobName, ...stored };
  const state = jobs.find((job) => job.name === jobName)?.state;
  if (!state) return { jobName, kind: 'ToExport', job: exportJob(modelExport, images, retry) };
  switch (state.kind) {
    case 'Active':
      return { jobName, kind: 'Exporting', ...(state.blocked && { blocked: state.blocked }) };
    case 'ResultUnknown':
      return { jobName, kind: 'Exporting' };
    case 'Failed':
      return { jobName, kind: 'Failed', reason: state.reason, message: state.message };
    default:
      return { jobName, ...answered(modelExport, state.result, file) };
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
  const { status } = modelExport;
  if (!status?.etlt || status.exportKey !== exportKey(modelExport)) return undefined;
  return (status.retry ?? '') === retryOf(modelExport) ? finished(status, file) : undefined;
};

const statusOf = (modelExport: ModelExport, result: Exported): ExportStatus => ({
  exportKey: exportKey(modelExport),
  ...(retryOf(modelExport) && { retry: retryOf(modelExport) }),
  etlt: { ...result.etlt, outputNodes: [...result.etlt.outputNodes] },
  ...(result.codecEtlt && { codecEtlt: result.codecEtlt }),
  ...(result.calibrationCache && { calibrationCache: result.calibrationCache }),
  ...(result.verification && { verification: result.verification }),
  ...(result.report && { report: result.report }),
});

/** The folder is where the `.etlt` lies: status is the one witness of what was exported where. */
const finished = (stored: ExportStatus, file: ReferredFile | undefined) => {
  const { exportKey: key, retry, codecEtlt, calibrationCache, verification, report } = stored;
  const etlt = stored.etlt!;
  const status: ExportStatus = {
    ...(key && { exportKey: key }),
    ...(retry && { retry }),
    etlt,
    ...(codecEtlt && { codecEtlt }),
    ...(calibrationCache && { calibrationCache }),
    ...(file && { calibrationTensorfile: file }),
    ...(verification && { verification }),
    ...(report && { report }),
  };
  const artifacts: ExportedArtifacts = {
    folder: etlt.uri.slice(0, -artifactFiles.etlt.length - 1),
    etlt,
    ...(calibrationCache && { calibrationCache }),
    ...(verification && { verification }),
  };
  return { kind: 'Exported', status, artifacts } as const;
};
