/** Makes the whole status from the stage: conditions by the rules of kstatus, and the stored file. Pure. */
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import { setConditions, type WantedCondition } from '../api/conditions.ts';
import type { Reason } from '../api/reasons.ts';
import { explainJobWait } from '../ownedjobs/job-wait.ts';
import { latestHandledRequest } from '../ownedjobs/request.ts';
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
  const lastHandledRequest = latestHandledRequest(tensorfile);
  return {
    observedGeneration: generation,
    conditions: setConditions(tensorfile.status?.conditions, makeConditions(summary), { now, generation }),
    ...(stage.state.kind === 'Written' ? stage.state.stored : pickStored(tensorfile)),
    ...stage.ledger,
    progress: summary.progress,
    ...(lastHandledRequest !== undefined && { lastHandledRequest }),
  };
};

/** The previous file, which status lists until another one is stored. */
const pickStored = ({ status }: CalibrationTensorfile): StoredTensorfile => {
  const { key, tensorfile } = status ?? {};
  return { ...(key && { key }), ...(tensorfile && { tensorfile }) };
};

type Summary = {
  readonly kind: 'Ready' | 'Reconciling' | 'Stalled' | 'Suspended';
  readonly reason: Reason;
  readonly message: string;
  readonly progress: string;
};

const summarise = ({ spec }: CalibrationTensorfile, { state }: TensorfileStage): Summary => {
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
  if (spec.suspend) return job?.state.kind === 'Active' && !job.state.suspended ? suspending : suspended;
  const wait = state.kind === 'Waiting' ? state : job && explainJobWait(job);
  if (wait === undefined) return writing;
  const { reason, message } = wait;
  return { kind: 'Reconciling', reason, message: `sampling waits: ${message}`, progress: 'waiting' };
};

const suspended: Summary = {
  kind: 'Suspended',
  reason: 'Suspended',
  message: 'spec.suspend is true: set it to false to continue',
  progress: 'suspended',
};

const suspending: Summary = {
  kind: 'Reconciling',
  reason: 'Suspending',
  message: 'the Job is being suspended',
  progress: 'suspending',
};

const writing: Summary = {
  kind: 'Reconciling',
  reason: 'WritingTensorfile',
  message: 'training images are being sampled and written',
  progress: 'writing',
};

const summariseWritten = ({ tensorfile }: StoredTensorfile): Summary => {
  const { images, batches, uri } = tensorfile!;
  const message = `${images} images in ${batches} batches stored at ${uri}`;
  return { kind: 'Ready', reason: 'Ready', message, progress: 'done' };
};

/** kstatus evaluates Reconciling and Stalled before Ready, so at most one of the two is True. */
const makeConditions = ({ kind, reason, message }: Summary): readonly WantedCondition[] =>
  (['Reconciling', 'Stalled', 'Ready'] as const).map((type) => ({
    type,
    status: kind === type ? 'True' : 'False',
    reason,
    message,
  }));
