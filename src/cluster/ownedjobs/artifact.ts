/**
 * The state of one artifact, from its status and its existing Jobs, and what to do next. The rules are the same for
 * every kind of artifact; an `ArtifactPlan` holds the differences. Pure.
 */
import type { Result, Stage } from '../../ground/contract/result.ts';
import type { Attempt, Ledger } from '../api/ledger.ts';
import { keptAttempts } from '../api/ledger.ts';
import { formatTime } from '../api/times.ts';
import { deadlineSecondsOf, type Job } from '../jobs/job.ts';
import { hashAttempt, type JobPlan, nameJob } from '../jobs/template.ts';
import type { ClaimProblem } from './claim-facts.ts';
import { filterAttempts, type JobFailure, makeAttempt, makeLedger, makeRefusedAttempt } from './ledger.ts';
import type { ObservedJob } from './observed-job.ts';
import { fail, type Outcome, succeed } from './outcome.ts';
import type { Refusal } from './refusals.ts';
import { decideRetry } from './retry.ts';
import { decideStart, type Obstacles } from './start.ts';

/** What the spec requests. */
export type ArtifactPlan = JobPlan & {
  readonly stage: Stage;
  /** Undefined for an artifact that all classes share. */
  readonly deviceClass?: string;
  /** Name of the object that requests the artifact. */
  readonly owner: string;
  /** Content key of the requested artifact. */
  readonly key: string;
  /** Whether status lists the artifact with this key, in the folder that the spec names. */
  readonly isStored: boolean;
  /** URI of the folder to store it in. */
  readonly folder: string;
  /** Maximum run time of the pod, in milliseconds. */
  readonly deadlineMs: number;
};

/** What is known about the artifact now. */
export type ArtifactFacts = {
  /** The attempts in status. */
  readonly before: Ledger;
  readonly jobs: readonly ObservedJob[];
  /** Whether a request asks to retry a failure. */
  readonly isRetryRequested: boolean;
  /** Token of a request to verify the stored artifact. */
  readonly verification: string | undefined;
  readonly obstacles: Obstacles;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** Where one artifact is. */
export type ArtifactState =
  /** Stored; a check on request does not change that. */
  | { readonly kind: 'Stored'; readonly verifies?: ObservedJob; readonly toVerify?: Job }
  | { readonly kind: 'Made'; readonly result: Exclude<Result, { kind: 'Failed' }>; readonly job: ObservedJob }
  | { readonly kind: 'Running'; readonly job: ObservedJob }
  | { readonly kind: 'Start'; readonly job: Job }
  | { readonly kind: 'Refused'; readonly job: Job; readonly refusal: Refusal }
  | { readonly kind: 'Twin'; readonly owner: string }
  | { readonly kind: 'NoAccess'; readonly problem: ClaimProblem }
  | { readonly kind: 'Later'; readonly failure: Attempt; readonly atMs: number }
  | { readonly kind: 'Failed'; readonly failure: Attempt };

/** The state, and the attempts to record in status. */
export type ArtifactProgress = {
  readonly state: ArtifactState;
  readonly ledger: Ledger;
  /** When time alone changes the state, in milliseconds since the epoch. */
  readonly lookAtMs?: number;
  /** Attempts that ended and are not yet in status. */
  readonly outcomes?: readonly Outcome[];
  /** Whether a verdict by time needs the pods as the apiserver has them. */
  readonly needsFreshPods?: true;
};

/** How long the cache may not show the result of a finished Job before its pods are read from the apiserver, in milliseconds. */
export const resultGraceMs = 30_000;

/** Determines the state of an artifact. A failed Job is added to the attempts in the returned ledger. */
export const assessArtifact = (step: ArtifactPlan, witness: ArtifactFacts): ArtifactProgress => {
  const { before, verification } = witness;
  if (!step.isStored) return assessUnstored(step, witness, undefined);
  if (verification === undefined || verification === before.verifiedRequest)
    return { state: { kind: 'Stored' }, ledger: makeLedger(step, before, []) };
  const checked = assessUnstored(step, witness, verification);
  return { ...checked, state: keepStoredWhileChecked(checked.state) };
};

/** The Job of a verification checks digests, and makes the artifact again only if it is damaged. */
const keepStoredWhileChecked = (state: ArtifactState): ArtifactState => {
  switch (state.kind) {
    case 'Made':
      return state;
    case 'Failed':
      return state.failure.reason === 'JobRefused' ? { kind: 'Stored' } : state; // Nothing was checked.
    case 'Running':
      return { kind: 'Stored', verifies: state.job };
    case 'Start':
      return { kind: 'Stored', toVerify: state.job };
    default:
      return { kind: 'Stored' };
  }
};

const assessUnstored = (
  step: ArtifactPlan,
  witness: ArtifactFacts,
  verifies: string | undefined,
): ArtifactProgress => {
  const { before } = witness;
  const { template } = step;
  const attempts = filterAttempts(before, { key: step.key, template, ...witness });
  const attempt = hashAttempt(step.key, { after: before.lastFailure?.jobUid, verifies });
  const job = settleJob(witness.jobs.find(matchesAttempt(step, attempt)), witness.now);
  const failure = job && findFailure(job, step, witness.now);
  const number = (attempts.at(-1)?.number ?? 0) + 1;
  const assessAfter = (entry: Attempt, more: Pick<Ledger, 'lastFailure'>): ArtifactProgress => {
    const kept = [...attempts, entry].slice(-keptAttempts);
    const known = { ...before, wantedKey: step.key, attempts: kept, ...more };
    return assessUnstored(step, { ...witness, before: known }, verifies);
  };
  if (job && failure) {
    const entry = makeAttempt(job, failure, number);
    const next = assessAfter(entry, { lastFailure: entry });
    return { ...next, outcomes: [fail(job, failure), ...(next.outcomes ?? [])] };
  }
  const ledger = makeLedger(step, before, attempts);
  if (job && !isOutdated(job, template)) return assessJob(job, ledger, { ...step, ...witness });
  const verdict = job ? ({ kind: 'MayStart' } as const) : decideRetry(attempts, witness.now);
  switch (verdict.kind) {
    case 'MayStart': {
      const start = decideStart(nameStepJob(step, attempt), step, witness);
      const { state } = start;
      if (state.kind !== 'Refused' || state.refusal.canPass) return { ...start, ledger };
      const { job: refused, refusal } = state;
      return assessAfter(makeRefusedAttempt(refused, { ...refusal, atMs: witness.now }, number), {});
    }
    case 'Later': {
      const { atMs, failure: last } = verdict;
      const nextAttempt = formatTime(atMs);
      return {
        state: { kind: 'Later', failure: last, atMs },
        ledger: { ...ledger, nextAttempt },
        lookAtMs: atMs,
      };
    }
    default:
      return { state: { kind: 'Failed', failure: verdict.failure }, ledger };
  }
};

const nameStepJob = ({ job, owner, stage, deviceClass, template }: ArtifactPlan, attempt: string): Job =>
  nameJob(job(), owner, { part: deviceClass ?? stage, attempt, template: template() });

/** The deadline of a stage in `spec.jobs`, or its default, in milliseconds. */
export const deadlineMsOf = (stage: Parameters<typeof deadlineSecondsOf>[0]): number =>
  deadlineSecondsOf(stage) * 1000;

/** Whether any of these needs the pods as the apiserver has them. */
export const needsPods = (steps: readonly Pick<ArtifactProgress, 'needsFreshPods'>[]): boolean =>
  steps.some(({ needsFreshPods }) => needsFreshPods);

/** Milliseconds until the first of these states changes by time alone, at least a second; undefined if none does. */
export const computeRequeueMs = (
  steps: readonly Pick<ArtifactProgress, 'lookAtMs'>[],
  now: number,
): number | undefined => {
  const times = steps.flatMap(({ lookAtMs }) => lookAtMs ?? []);
  return times.length === 0 ? undefined : Math.max(1000, Math.min(...times) - now);
};

const matchesAttempt =
  ({ stage, deviceClass }: ArtifactPlan, attempt: string) =>
  (job: ObservedJob): boolean =>
    job.attempt === attempt && job.stage === stage && job.deviceClass === deviceClass;

/** A pod that an injected container keeps running counts as ended once our own containers have ended. */
const settleJob = (job: ObservedJob | undefined, now: number): ObservedJob | undefined => {
  const left = job?.state.kind === 'Active' ? job.state.earlyResult : undefined;
  if (job === undefined || left === undefined || now - left.sinceMs < resultGraceMs) return job;
  return { ...job, state: left.state, finishedAtMs: left.sinceMs };
};

const findFailure = (job: ObservedJob, plan: ArtifactPlan, now: number): JobFailure | undefined => {
  const { state, finishedAtMs, isConfirmed } = job;
  if (state.kind === 'Failed') return { ...state, atMs: finishedAtMs ?? now };
  return isConfirmed ? findTimeout(job, plan, now) : undefined;
};

/** What the passing of time means for a Job whose pods show neither a result nor a failure. */
const findTimeout = (
  { state, startedAtMs = Number.POSITIVE_INFINITY }: ObservedJob,
  { deadlineMs }: Pick<ArtifactPlan, 'deadlineMs'>,
  now: number,
): JobFailure | undefined => {
  if (state.kind === 'ResultUnknown')
    return now - state.sinceMs < resultGraceMs ? undefined : { ...state.otherwise, atMs: now };
  if (state.kind !== 'Active' || state.earlyResult || now - startedAtMs < deadlineMs) return undefined;
  const message = `the pod ran for ${deadlineMs / 1000} seconds, the deadlineSeconds of spec.jobs`;
  return { reason: 'DeadlineExceeded', message, atMs: now };
};

/** A running pod is kept. A pending pod still waits for what the old template asks for, so its Job is replaced. */
const isOutdated = ({ state, template, startedAtMs }: ObservedJob, wanted: () => string): boolean =>
  state.kind === 'Active' && (state.suspended || startedAtMs === undefined) && template !== wanted();

const assessJob = (
  job: ObservedJob,
  ledger: Ledger,
  {
    deadlineMs,
    verification,
    now,
  }: Pick<ArtifactPlan, 'deadlineMs'> & Pick<ArtifactFacts, 'verification' | 'now'>,
): ArtifactProgress => {
  const { state, startedAtMs, finishedAtMs } = job;
  const startedAt = startedAtMs === undefined ? {} : { startedAt: formatTime(startedAtMs) };
  if (state.kind === 'Succeeded') {
    const finishedAt = finishedAtMs === undefined ? {} : { finishedAt: formatTime(finishedAtMs) };
    const { attempts: _, ...settled } = ledger;
    return {
      state: { kind: 'Made', result: state.result, job },
      ledger: {
        ...settled,
        ...startedAt,
        ...finishedAt,
        ...(verification !== undefined && { verifiedRequest: verification }),
      },
      outcomes: [succeed(job, state.result)],
    };
  }
  const running = { state: { kind: 'Running', job }, ledger: { ...ledger, ...startedAt } } as const;
  if (findTimeout(job, { deadlineMs }, now)) return { ...running, needsFreshPods: true };
  const limit = startedAtMs === undefined ? undefined : startedAtMs + deadlineMs;
  const since =
    state.kind === 'ResultUnknown' ? state.sinceMs : state.kind === 'Active' && state.earlyResult?.sinceMs;
  const lookAtMs = since ? since + resultGraceMs : limit;
  return {
    ...running,
    ...(lookAtMs !== undefined && { lookAtMs }),
  };
};
