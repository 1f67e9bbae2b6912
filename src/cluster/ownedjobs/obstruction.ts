/** Reason and message of an artifact that waits or failed, common to all kinds of artifacts. */
import type { Reason } from '../api/reasons.ts';
import type { Job } from '../jobs/job.ts';
import type { ArtifactState } from './artifact.ts';

type ReasonAndMessage = { readonly reason: Reason; readonly message: string };

/** States without a running Job and without a stored artifact. */
type ObstructedState = Extract<ArtifactState, { kind: 'Refused' | 'Twin' | 'NoAccess' | 'Later' | 'Failed' }>;

/** An artifact that waits or failed. `retry` is a rejected Job whose next create is due. */
export type Obstruction =
  | (ReasonAndMessage & { readonly kind: 'Waiting'; readonly retry?: Job })
  | (ReasonAndMessage & { readonly kind: 'Failed' });

/** Words a state for conditions. */
export const describeObstruction = (state: ObstructedState): Obstruction => {
  switch (state.kind) {
    case 'Refused':
      return describeRefusal(state);
    case 'Twin':
      return {
        kind: 'Waiting',
        reason: 'WaitingForTwin',
        message: `${state.owner} is producing the same artifact in the same folder; its result will be used`,
      };
    case 'NoAccess':
      return { kind: 'Waiting', ...state.problem };
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

/** A Job that may be accepted later is created again; an invalid one is a failed attempt. */
const describeRefusal = ({ job, refusal }: Extract<ArtifactState, { kind: 'Refused' }>): Obstruction => ({
  kind: 'Waiting',
  reason: 'JobRefused',
  message: `Job ${job.metadata.name}: ${refusal.message}`,
  ...(refusal.isDue && { retry: job }),
});
