/** Where the export stands: finished in status, finished in its Job, running, or still to be started. Pure. */

import { annotations } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import { artifactFiles } from '../contract/layout.ts';
import type { Exported } from '../contract/result.ts';
import type { ExportedArtifacts } from '../jobs/engine-job.ts';
import { exportJob, exportJobName } from '../jobs/export-job.ts';
import type { Job } from '../jobs/job.ts';
import { exportKey } from '../jobs/keys.ts';
import type { Blocked, JobFailureReason } from '../ownedjobs/observed-job.ts';
import type { Observed } from './observed.ts';

export type ExportStatus = Pick<
  NonNullable<ModelExport['status']>,
  'exportKey' | 'retry' | 'etlt' | 'calibrationCache' | 'verification' | 'report'
>;

export type ExportStage = { readonly jobName: string } & (
  | { readonly kind: 'Exported'; readonly status: ExportStatus; readonly artifacts: ExportedArtifacts }
  | { readonly kind: 'Exporting'; readonly blocked?: Blocked }
  | { readonly kind: 'ToExport'; readonly job: Job }
  | { readonly kind: 'Failed'; readonly reason: JobFailureReason; readonly message: string }
);

/** The value of the retry annotation: a new one asks for the export, and for what had failed, once more. */
export const retryOf = ({ metadata }: ModelExport): string => metadata.annotations?.[annotations.retry] ?? '';

export const exportStage = ({ modelExport, jobs, images }: Observed): ExportStage => {
  const retry = retryOf(modelExport);
  const jobName = exportJobName(modelExport, retry);
  const stored = storedExport(modelExport);
  if (stored) return { jobName, ...stored };
  const state = jobs.find(({ name }) => name === jobName)?.state;
  if (!state) return { jobName, kind: 'ToExport', job: exportJob(modelExport, images, retry) };
  switch (state.kind) {
    case 'Active':
      return { jobName, kind: 'Exporting', ...(state.blocked && { blocked: state.blocked }) };
    case 'ResultUnknown':
      return { jobName, kind: 'Exporting' };
    case 'Failed':
      return { jobName, kind: 'Failed', reason: state.reason, message: state.message };
    default:
      return state.result.kind === 'Exported'
        ? { jobName, ...finished(statusOf(modelExport, state.result)) }
        : {
            jobName,
            kind: 'Failed',
            reason: 'Internal',
            message: 'the export pod answered for another stage',
          };
  }
};

/** Status alone is enough once the export is in it: the Job may be long gone. */
const storedExport = (modelExport: ModelExport) => {
  const { status } = modelExport;
  if (!status?.etlt || status.exportKey !== exportKey(modelExport)) return undefined;
  return (status.retry ?? '') === retryOf(modelExport) ? finished(status) : undefined;
};

const statusOf = (modelExport: ModelExport, result: Exported): ExportStatus => ({
  exportKey: exportKey(modelExport),
  ...(retryOf(modelExport) && { retry: retryOf(modelExport) }),
  etlt: { ...result.etlt, outputNodes: [...result.etlt.outputNodes] },
  ...(result.calibrationCache && { calibrationCache: result.calibrationCache }),
  ...(result.verification && { verification: result.verification }),
  ...(result.report && { report: result.report }),
});

/** The folder is where the `.etlt` lies: status is the one witness of what was exported where. */
const finished = (stored: ExportStatus) => {
  const { exportKey: key, retry, calibrationCache, verification, report } = stored;
  const etlt = stored.etlt!;
  const status: ExportStatus = {
    ...(key && { exportKey: key }),
    ...(retry && { retry }),
    etlt,
    ...(calibrationCache && { calibrationCache }),
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
