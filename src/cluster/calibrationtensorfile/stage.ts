/** Where the file stands: stored, being written, still to be started, or failed. Pure. */

import { placed } from '../../ground/contract/artifact.ts';
import { tensorfileFolder } from '../../ground/contract/layout.ts';
import type { Failed, Result } from '../../ground/contract/result.ts';
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import { retryOf } from '../api/labels.ts';
import type { Job } from '../jobs/job.ts';
import { tensorfileKey } from '../jobs/keys.ts';
import { tensorfileJob, tensorfileJobName } from '../jobs/tensorfile-job.ts';
import type { Blocked, JobFailureReason } from '../ownedjobs/observed-job.ts';
import type { Observed } from './observed.ts';

/** The part of status that outlives the Job. */
export type StoredFile = Pick<CalibrationTensorfileStatus, 'key' | 'retry' | 'tensorfile'>;

export type Stage = { readonly jobName: string } & (
  | { readonly kind: 'Written'; readonly stored: StoredFile }
  | { readonly kind: 'Writing'; readonly blocked?: Blocked }
  | { readonly kind: 'ToWrite'; readonly job: Job }
  | { readonly kind: 'Failed'; readonly reason: JobFailureReason; readonly message: string }
);

export const stageOf = ({ tensorfile, jobs, images }: Observed): Stage => {
  const retry = retryOf(tensorfile);
  const jobName = tensorfileJobName(tensorfile, retry);
  const stored = storedOf(tensorfile);
  if (stored) return { jobName, kind: 'Written', stored };
  const state = jobs.find(({ name }) => name === jobName)?.state;
  if (!state) return { jobName, kind: 'ToWrite', job: tensorfileJob(tensorfile, images, retry) };
  switch (state.kind) {
    case 'Active':
      return { jobName, kind: 'Writing', ...(state.blocked && { blocked: state.blocked }) };
    case 'ResultUnknown':
      return { jobName, kind: 'Writing' };
    case 'Failed':
      return { jobName, kind: 'Failed', reason: state.reason, message: state.message };
    default:
      return { jobName, ...answered(tensorfile, state.result) };
  }
};

/** Status alone is enough once the file is in it: the Job may be long gone. */
const storedOf = (object: CalibrationTensorfile): StoredFile | undefined => {
  const { key, retry, tensorfile } = object.status ?? {};
  if (!tensorfile || key !== tensorfileKey(object) || (retry ?? '') !== retryOf(object)) return undefined;
  return { key, ...(retry && { retry }), tensorfile };
};

const answered = (object: CalibrationTensorfile, result: Exclude<Result, Failed>) => {
  if (result.kind !== 'TensorfileWritten')
    return { kind: 'Failed', reason: 'Internal', message: 'the pod answered for another stage' } as const;
  const retry = retryOf(object);
  const key = tensorfileKey(object);
  const tensorfile = placed(tensorfileFolder(object.spec.output.uri, key), result.tensorfile);
  const stored = { key, ...(retry && { retry }), tensorfile };
  return { kind: 'Written', stored } as const;
};
