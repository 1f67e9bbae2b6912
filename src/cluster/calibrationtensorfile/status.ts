/** Makes the whole status from the stage: conditions by the rules of kstatus, and the stored file. Pure. */
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import { setConditions } from '../api/conditions.ts';
import { explainJobWait } from '../ownedjobs/job-wait.ts';
import { latestHandledRequest } from '../ownedjobs/request.ts';
import { describeRunning, formatRunning } from '../ownedjobs/running.ts';
import { makeSummaryConditions, type Summary, suspended } from '../ownedjobs/summary.ts';
import type { ObservedTensorfile } from './observe.ts';
import type { StoredTensorfile, TensorfileStage } from './stage.ts';

/** The status to write. */
export const makeStatus = (
  observed: ObservedTensorfile,
  stage: TensorfileStage,
): CalibrationTensorfileStatus => {
  const { tensorfile, now } = observed;
  const { generation } = tensorfile.metadata;
  const summary = summarise(tensorfile, stage);
  const job = stage.state.kind === 'Writing' ? stage.state.job : undefined;
  const { running } = describeRunning(job, tensorfile.status);
  const lastHandledRequest = latestHandledRequest(tensorfile);
  return {
    observedGeneration: generation,
    conditions: setConditions(tensorfile.status?.conditions, makeSummaryConditions(summary), {
      now,
      generation,
    }),
    ...(stage.state.kind === 'Written' ? stage.state.stored : pickStored(tensorfile)),
    ...stage.ledger,
    ...(running && { running }),
    progress: running && summary === writing ? `writing: ${formatRunning(running)}` : summary.progress,
    ...(lastHandledRequest !== undefined && { lastHandledRequest }),
  };
};

/** The previous file, which status lists until another one is stored. */
const pickStored = ({ status }: CalibrationTensorfile): StoredTensorfile => {
  const { key, tensorfile } = status ?? {};
  return { ...(key && { key }), ...(tensorfile && { tensorfile }) };
};

type TensorfileSummary = Summary & { readonly progress: string };

const summarise = ({ spec }: CalibrationTensorfile, { state }: TensorfileStage): TensorfileSummary => {
  if (state.kind === 'Written') return summariseWritten(state.stored);
  if (state.kind === 'Failed') {
    const { reason, message } = state;
    return {
      kind: 'Stalled',
      reason,
      message: `sampling failed: ${message}`,
      progress: `stopped: ${reason}`,
    };
  }
  const job = state.kind === 'Writing' ? state.job : undefined;
  if (spec.suspend)
    return job?.state.kind === 'Active' && !job.state.suspended
      ? suspending
      : { ...suspended, progress: 'suspended' };
  const wait = state.kind === 'Waiting' ? state : job && explainJobWait(job);
  if (wait === undefined) return writing;
  const { reason, message } = wait;
  return { kind: 'Reconciling', reason, message: `sampling waits: ${message}`, progress: 'waiting' };
};

const suspending: TensorfileSummary = {
  kind: 'Reconciling',
  reason: 'Suspending',
  message: 'the Job is being suspended',
  progress: 'suspending',
};

const writing: TensorfileSummary = {
  kind: 'Reconciling',
  reason: 'WritingTensorfile',
  message: 'training images are being sampled and written',
  progress: 'writing',
};

const summariseWritten = ({ tensorfile }: StoredTensorfile): TensorfileSummary => {
  const { images, batches, uri } = tensorfile!;
  const message = `${images} images in ${batches} batches stored at ${uri}`;
  return { kind: 'Ready', reason: 'Ready', message, progress: 'done' };
};
