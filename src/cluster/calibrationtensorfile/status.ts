/** Stage → status, whole: conditions by kstatus's rules, and the file that is stored. Pure. */
import type { CalibrationTensorfile, CalibrationTensorfileStatus } from '../api/calibration-tensorfile.ts';
import { setConditions, type WantedCondition } from '../api/conditions.ts';
import type { Reason } from '../api/reasons.ts';
import type { Observed } from './observed.ts';
import type { Stage } from './stage.ts';

/** Written before anything else is done, so that no watcher takes a new object for a finished one. */
export const firstStatus = ({ tensorfile, now }: Observed): CalibrationTensorfileStatus => {
  const { generation } = tensorfile.metadata;
  const reason = 'Accepted';
  const wanted: readonly WantedCondition[] = [
    { type: 'Reconciling', status: 'True', reason, message: 'seen, and about to be sampled' },
    { type: 'Stalled', status: 'False', reason, message: 'nothing has failed' },
    { type: 'Ready', status: 'Unknown', reason, message: 'not looked at yet' },
  ];
  const conditions = setConditions(tensorfile.status?.conditions, wanted, { now, generation });
  return { observedGeneration: generation, conditions, progress: 'accepted' };
};

export const nextStatus = (observed: Observed, stage: Stage): CalibrationTensorfileStatus => {
  const { tensorfile, jobs, now } = observed;
  const { generation } = tensorfile.metadata;
  const summary = summaryOf(tensorfile, stage);
  const attempts = jobs.find(({ name }) => name === stage.jobName)?.attempts ?? tensorfile.status?.attempts;
  return {
    observedGeneration: generation,
    conditions: setConditions(tensorfile.status?.conditions, conditionsOf(summary), { now, generation }),
    ...(stage.kind === 'Written' ? stage.stored : storedBefore(tensorfile)),
    ...(attempts !== undefined && { attempts }),
    progress: summary.progress,
  };
};

/** While another file is made, status keeps naming the one that is there. */
const storedBefore = ({ status }: CalibrationTensorfile): Partial<CalibrationTensorfileStatus> => {
  const { key, retry, tensorfile } = status ?? {};
  return { ...(key && { key }), ...(retry && { retry }), ...(tensorfile && { tensorfile }) };
};

type Summary = {
  readonly kind: 'Ready' | 'Reconciling' | 'Stalled' | 'Suspended';
  readonly reason: Reason;
  readonly message: string;
  readonly progress: string;
};

const summaryOf = ({ spec }: CalibrationTensorfile, stage: Stage): Summary => {
  if (stage.kind === 'Written') return written(stage.stored);
  if (stage.kind === 'Failed') {
    const { reason, message } = stage;
    return {
      kind: 'Stalled',
      reason,
      message: `sampling failed: ${message}`,
      progress: `stopped: ${reason}`,
    };
  }
  if (spec.suspend) return suspended;
  const blocked = stage.kind === 'Writing' ? stage.blocked : undefined;
  if (blocked === undefined) return writing;
  const { reason, message } = blocked;
  return { kind: 'Reconciling', reason, message: `sampling waits: ${message}`, progress: 'waiting' };
};

const suspended: Summary = {
  kind: 'Suspended',
  reason: 'Suspended',
  message: 'spec.suspend is true: set it to false to go on',
  progress: 'suspended',
};

const writing: Summary = {
  kind: 'Reconciling',
  reason: 'WritingTensorfile',
  message: 'training images are being sampled and written',
  progress: 'writing',
};

const written = ({ tensorfile }: Extract<Stage, { kind: 'Written' }>['stored']): Summary => {
  const { images, batches, uri } = tensorfile!;
  const message = `${images} images in ${batches} batches stored at ${uri}`;
  return { kind: 'Ready', reason: 'Ready', message, progress: 'done' };
};

/** kstatus reads Reconciling and Stalled before Ready, so never are both of them True. */
const conditionsOf = ({ kind, reason, message }: Summary): readonly WantedCondition[] =>
  (['Reconciling', 'Stalled', 'Ready'] as const).map((type) => ({
    type,
    status: kind === type ? 'True' : 'False',
    reason,
    message,
  }));
