/** Performs decisions: the only place that writes Jobs, statuses and events of their owners. */

import { unreachable } from '../../ground/base/unreachable.ts';
import type { Condition } from '../api/conditions.ts';
import { resourceOf } from '../api/group.ts';
import { annotations, labels, type OwnerKind } from '../api/labels.ts';
import type { Job } from '../jobs/job.ts';
import { ApiError, isStatus } from '../runtime/api-error.ts';
import type { KubeClient } from '../runtime/client.ts';
import { earlierRequeue } from '../runtime/controller.ts';
import type { Recorder } from '../runtime/recorder.ts';
import { type Key, keyOf } from '../runtime/resources.ts';
import { writeStatus } from '../runtime/write-status.ts';
import type { Action, Decision } from './action.ts';
import { jobResources } from './caches.ts';
import type { JobObject } from './kube-shapes.ts';
import { cacheGraceMs, type OwnWrites } from './own-writes.ts';
import { isJobOf } from './ownership.ts';
import { explainRefusal, type Refusal, type Refusals } from './refusals.ts';

/** The guarded client, the event recorder, and the memory of rejected Jobs. */
export type ApplyDeps = {
  readonly client: KubeClient;
  readonly record: Recorder;
  readonly refusals: Refusals;
  readonly onPerformed: OnPerformed;
  readonly onRefused: OnRefused;
  readonly ownWrites: OwnWrites;
};

/** Called after an action succeeded, for the log and for metrics. */
export type OnPerformed = (action: Action<StatusWithConditions>, owner: Owner) => void;
/** Called when the apiserver rejects a Job that it did not reject before, for the log. */
export type OnRefused = (job: Job, owner: Owner, refusal: ApiError) => void;
/** A status with conditions. */
export type StatusWithConditions = {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
};

/** The object that the decision is about. */
export type Owner = {
  readonly apiVersion: string;
  readonly kind: OwnerKind;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
  /** Before the decision. */
  readonly status?: StatusWithConditions;
};

/**
 * Performs the actions in order. The status goes first because later actions rely on it: if its write fails, nothing
 * else is done. After that, a failed action does not prevent the others. A Job that the apiserver rejects is recorded,
 * and the next reconcile observes the rejection.
 * @returns milliseconds until the next reconcile that this makes necessary, or undefined if none is
 * @throws the first other failure, after all actions were tried
 */
export const apply = async (
  { actions }: Pick<Decision<StatusWithConditions>, 'actions'>,
  owner: Owner,
  how: ApplyContext,
): Promise<number | undefined> => {
  const failures: unknown[] = [];
  let againMs: number | undefined;
  for (const action of actions) {
    if (isPending(action, owner, how)) {
      againMs = earlierRequeue(againMs, cacheGraceMs);
      continue;
    }
    try {
      await perform(action, owner, how);
      how.deps.onPerformed(action, owner);
    } catch (thrown) {
      if (action.kind === 'WriteStatus' || how.signal.aborted) throw thrown;
      if (action.kind === 'CreateJob' && isRefusal(thrown)) {
        noteRefusal(action.job, owner, { thrown, deps: how.deps });
        againMs = earlierRequeue(againMs, refusedRequeueMs);
      } else failures.push(thrown);
    }
  }
  if (failures.length > 0) throw failures[0];
  return againMs;
};

type RefusedCreate = { readonly thrown: ApiError; readonly deps: ApplyDeps };

const noteRefusal = (
  job: Job,
  owner: Owner,
  { thrown, deps: { refusals, onRefused } }: RefusedCreate,
): void => {
  const key = jobKey(owner, job.metadata.name);
  if (refusals.of(key) === undefined) onRefused(job, owner, thrown);
  refusals.note(key, explainRefusal(job, thrown));
};

/** Time for the cache to observe the status that was just written. */
const refusedRequeueMs = 200;

const jobKey = ({ metadata }: Owner, name: string): string => `${metadata.namespace}/${name}`;

/** Look-up of rejected Jobs by name, in the namespace of `key`. */
export const makeRefusalLookup =
  (key: Key, refusals: Refusals) =>
  (job: string): Refusal | undefined =>
    refusals.of(`${key.slice(0, key.indexOf('/'))}/${job}`);

/** Whether the response is about the Job itself; 401, 408, 409 and 429 are about the request. */
const isRefusal = (thrown: unknown): thrown is ApiError =>
  thrown instanceof ApiError &&
  (thrown.reason === nameTaken || [400, 403, 404, 405, 413, 422].includes(thrown.status));

/** A Job that was created and is not cached yet. */
const isPending = (action: Action<object>, owner: Owner, { deps }: ApplyContext): boolean =>
  action.kind === 'CreateJob' && deps.ownWrites.wasCreated(jobKey(owner, action.job.metadata.name));

type ApplyContext = { readonly deps: ApplyDeps; readonly signal: AbortSignal };

const perform = async (
  action: Action<StatusWithConditions>,
  owner: Owner,
  { deps, signal }: ApplyContext,
): Promise<void> => {
  const { client, record } = deps;
  const { namespace } = owner.metadata;
  switch (action.kind) {
    case 'CreateJob': {
      const key = jobKey(owner, action.job.metadata.name);
      await createJob(client, owner, { body: action.job, signal });
      deps.ownWrites.noteJob(key);
      return deps.refusals.forget(key);
    }
    case 'DeleteJob':
      await removeJob(client, { namespace, name: action.name, uid: action.uid }, signal);
      return deps.ownWrites.forgetJob(jobKey(owner, action.name));
    case 'SuspendJob': {
      const body = makeSuspensionPatch(action.suspend);
      return patchJob(client, { namespace, name: action.name }, { body, signal });
    }
    case 'WriteStatus': {
      const resource = resourceOf(owner.kind);
      await writeStatus(client, { resource, owner, status: action.status }, signal);
      return deps.ownWrites.noteStatus(keyOf(owner), owner.metadata.resourceVersion);
    }
    case 'PublishEvent':
      return record(action.event, signal);
    default:
      return unreachable(action);
  }
};

/** Reason of an error of our own: another Job has this name. */
const nameTaken = 'NameTaken';

type WriteRequest<B> = { readonly body: B; readonly signal: AbortSignal };
type JobAt = { readonly namespace: string; readonly name: string };

/**
 * Job names are derived from content, so an existing Job of this name is the requested one if it has the same owner and
 * attempt.
 */
const createJob = async (
  client: KubeClient,
  owner: Owner,
  { body, signal }: WriteRequest<Job>,
): Promise<void> => {
  const { namespace } = owner.metadata;
  try {
    await client.create(jobResources.jobs, { namespace }, body, signal);
  } catch (thrown) {
    if (!isStatus(thrown, 409)) throw thrown;
    const { name } = body.metadata;
    const existing = (await client.read(jobResources.jobs, { namespace, name }, signal)) as JobObject;
    const isSameAttempt = existing.metadata.labels?.[labels.attempt] === body.metadata.labels[labels.attempt];
    if (isSameAttempt && isJobOf(existing.metadata, owner)) return;
    throw new ApiError({
      status: 0,
      reason: nameTaken,
      message: 'a Job of this name exists and belongs to another object: delete it',
    });
  }
};

const removeJob = (
  client: KubeClient,
  at: JobAt & { readonly uid: string },
  signal: AbortSignal,
): Promise<void> => ignoreMissing(() => client.remove(jobResources.jobs, at, signal));

const patchJob = (client: KubeClient, at: JobAt, { body, signal }: WriteRequest<object>): Promise<void> =>
  ignoreMissing(async () => {
    await client.mergePatch(jobResources.jobs, at, body, signal);
  });

/** The annotation marks Jobs that the operator suspended and may therefore resume. */
const makeSuspensionPatch = (suspend: boolean): object => ({
  metadata: { annotations: { [annotations.suspendedBy]: suspend ? labels.managedByValue : null } },
  spec: { suspend },
});

/** A deleted Job needs no change. */
const ignoreMissing = async (change: () => Promise<void>): Promise<void> => {
  try {
    await change();
  } catch (thrown) {
    if (!isStatus(thrown, 404)) throw thrown;
  }
};
