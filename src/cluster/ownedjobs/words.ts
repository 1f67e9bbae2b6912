/** Reasons and messages for the states of a step. */
import type { Reason } from '../api/reasons.ts';
import type { StepState } from './step.ts';

type Words = { readonly reason: Reason; readonly message: string };

export const laterWith = ({ failure, atMs }: Extract<StepState, { kind: 'Later' }>): Words => {
  const time = new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
  return {
    reason: failure.reason as Reason,
    message: `attempt ${failure.number} failed, the next one starts at ${time} UTC: ${failure.message}`,
  };
};

export const failedWith = ({ failure }: Extract<StepState, { kind: 'Failed' }>): Words => ({
  reason: failure.reason as Reason,
  message: failure.number === 1 ? failure.message : `attempt ${failure.number} failed: ${failure.message}`,
});

/** A Job that the apiserver refuses for good fails the artifact; one that may be accepted later is tried again. */
export const refusedWith = ({ job, refusal }: Extract<StepState, { kind: 'Refused' }>) => {
  const words = { reason: 'JobRefused', message: `Job ${job.metadata.name}: ${refusal.message}` } as const;
  if (!refusal.canPass) return { kind: 'Failed', ...words } as const;
  return { kind: 'Waiting', ...words, ...(refusal.isDue && { retry: job }) } as const;
};

export const twinWith = ({ owner }: Extract<StepState, { kind: 'Twin' }>) =>
  ({
    kind: 'Waiting',
    reason: 'WaitingForTwin',
    message: `${owner} is producing the same artifact in the same folder: its result will be used`,
  }) as const;
