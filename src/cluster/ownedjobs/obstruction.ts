/** Reasons and messages for the states of a step. */
import type { Reason } from '../api/reasons.ts';
import type { Job } from '../jobs/job.ts';
import type { ArtifactState } from './artifact.ts';

type ReasonAndMessage = { readonly reason: Reason; readonly message: string };

/** The states in which no Job runs and nothing is stored. */
type ObstructedState = Extract<ArtifactState, { kind: 'Refused' | 'Twin' | 'Later' | 'Failed' }>;

/** An artifact that waits or failed, as every kind of artifact reports it. */
export type Obstruction =
  | (ReasonAndMessage & { readonly kind: 'Waiting'; readonly retry?: Job })
  | (ReasonAndMessage & { readonly kind: 'Failed' });

export const describeObstruction = (state: ObstructedState): Obstruction => {
  switch (state.kind) {
    case 'Refused':
      return describeRefusal(state);
    case 'Twin':
      return {
        kind: 'Waiting',
        reason: 'WaitingForTwin',
        message: `${state.owner} is producing the same artifact in the same folder: its result will be used`,
      };
    case 'Later':
      return { kind: 'Waiting', ...describeRetry(state) };
    case 'Failed':
      return { kind: 'Failed', ...describeFailure(state) };
  }
};

const describeRetry = ({ failure, atMs }: Extract<ArtifactState, { kind: 'Later' }>): ReasonAndMessage => {
  const time = new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');
  return {
    reason: failure.reason as Reason,
    message: `attempt ${failure.number} failed, the next one starts at ${time} UTC: ${failure.message}`,
  };
};

const describeFailure = ({ failure }: Extract<ArtifactState, { kind: 'Failed' }>): ReasonAndMessage => ({
  reason: failure.reason as Reason,
  message: failure.number === 1 ? failure.message : `attempt ${failure.number} failed: ${failure.message}`,
});

/** A Job that the apiserver refuses for good fails the artifact; one that may be accepted later is tried again. */
const describeRefusal = ({ job, refusal }: Extract<ArtifactState, { kind: 'Refused' }>): Obstruction => {
  const words = { reason: 'JobRefused', message: `Job ${job.metadata.name}: ${refusal.message}` } as const;
  if (!refusal.canPass) return { kind: 'Failed', ...words };
  return { kind: 'Waiting', ...words, ...(refusal.isDue && { retry: job }) };
};
