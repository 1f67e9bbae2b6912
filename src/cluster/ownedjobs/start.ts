/** Whether the Job of an artifact may be created, and what prevents it. Pure. */
import type { Job } from '../jobs/job.ts';
import { type ClaimProblem, type FindClaim, findReadOnlyClaim } from './claim-facts.ts';
import { type Refusal, refusalPauseMs } from './refusals.ts';
import type { FindTwin } from './twins.ts';

/** What prevents a Job from being created. */
export type Obstacles = {
  /** The rejection of the Job of this name, if any. */
  readonly findRefusal: (job: string) => Refusal | undefined;
  /** Another object whose Job writes to the same folder. */
  readonly findTwin: FindTwin;
  readonly findClaim: FindClaim;
};

type StartFacts = {
  readonly obstacles: Obstacles;
  readonly isRetryRequested: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

type Start = {
  readonly state:
    | { readonly kind: 'Start'; readonly job: Job }
    | { readonly kind: 'Refused'; readonly job: Job; readonly refusal: Refusal }
    | { readonly kind: 'Twin'; readonly owner: string }
    | { readonly kind: 'NoAccess'; readonly problem: ClaimProblem };
  readonly lookAtMs?: number;
};

/** How often to check whether another object's Job for the same folder has ended, in milliseconds. */
const twinPauseMs = 15_000;

/** How often claims that a Job cannot use are read again, in milliseconds. */
export const claimPauseMs = 61_000;

/** Whether a Job may be created now, and when that changes by time alone, in milliseconds since the epoch. */
export const decideStart = (
  job: Job,
  { folder }: { readonly folder: string },
  { obstacles: { findRefusal, findTwin, findClaim }, isRetryRequested, now }: StartFacts,
): Start => {
  const owner = findTwin(folder);
  if (owner !== undefined) return { state: { kind: 'Twin', owner }, lookAtMs: now + twinPauseMs };
  const problem = findReadOnlyClaim(job, findClaim);
  if (problem) return { state: { kind: 'NoAccess', problem }, lookAtMs: now + claimPauseMs };
  const refusal = findRefusal(job.metadata.name);
  if (refusal === undefined || (isRetryRequested && !refusal.canPass))
    return { state: { kind: 'Start', job } };
  return {
    state: { kind: 'Refused', job, refusal },
    ...(refusal.canPass && { lookAtMs: now + refusalPauseMs }),
  };
};
