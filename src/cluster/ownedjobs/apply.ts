/** Decision → cluster: the only writer. Actions go in order, and the first failure stops the rest. */

import { unreachable } from '../../ground/base/unreachable.ts';
import { exportGroup, kinds } from '../api/group.ts';
import { annotations, labels, type OwnerKind } from '../api/labels.ts';
import type { Job } from '../jobs/job.ts';
import { ApiError, isStatus } from '../runtime/api-error.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Recorder } from '../runtime/recorder.ts';
import { writeStatus } from '../runtime/write-status.ts';
import type { Action, Decision } from './action.ts';
import { jobResources } from './caches.ts';
import type { JobObject } from './kube-shapes.ts';
import { isJobOf } from './ownership.ts';

export type ApplyDeps = {
  readonly client: KubeClient;
  readonly record: Recorder;
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
};

export const apply = async (
  { actions }: Decision<object>,
  owner: Owner,
  { deps, signal }: { readonly deps: ApplyDeps; readonly signal: AbortSignal },
): Promise<void> => {
  for (const action of actions) await perform(action, owner, { deps, signal });
};

type How = { readonly deps: ApplyDeps; readonly signal: AbortSignal };

const perform = async (action: Action<object>, owner: Owner, { deps, signal }: How): Promise<void> => {
  const { client, record } = deps;
  const { namespace } = owner.metadata;
  switch (action.kind) {
    case 'CreateJob':
      return createJob(client, owner, { body: action.job, signal });
    case 'DeleteJob':
      return removeJob(client, { namespace, name: action.name, uid: action.uid }, signal);
    case 'SuspendJob':
      return patchJob(client, { namespace, name: action.name }, { body: suspension(action.suspend), signal });
    case 'WriteStatus': {
      const resource = { ...exportGroup, plural: kinds[owner.kind].plural };
      return writeStatus(client, { resource, owner, status: action.status }, signal);
    }
    case 'PublishEvent':
      return record(action.event, signal);
    default:
      return unreachable(action);
  }
};

type Write<B> = { readonly body: B; readonly signal: AbortSignal };
type JobAt = { readonly namespace: string; readonly name: string };

/** The name says what the Job makes, so one that is there already is the one that was wanted, if it is ours. */
const createJob = async (client: KubeClient, owner: Owner, { body, signal }: Write<Job>): Promise<void> => {
  const { namespace } = owner.metadata;
  try {
    await client.create(jobResources.jobs, { namespace }, body, signal);
  } catch (thrown) {
    if (!isStatus(thrown, 409)) throw thrown;
    const { name } = body.metadata;
    const there = (await client.read(jobResources.jobs, { namespace, name }, signal)) as JobObject;
    const isSameTry = there.metadata.labels?.[labels.attempt] === body.metadata.labels[labels.attempt];
    if (isSameTry && isJobOf(there.metadata, owner)) return;
    throw new ApiError({
      status: 0,
      reason: 'NameTaken',
      message: `Job ${name} exists and belongs to somebody else`,
    });
  }
};

const removeJob = (
  client: KubeClient,
  at: JobAt & { readonly uid: string },
  signal: AbortSignal,
): Promise<void> => unlessGone(() => client.remove(jobResources.jobs, at, signal));

const patchJob = (client: KubeClient, at: JobAt, { body, signal }: Write<object>): Promise<void> =>
  unlessGone(async () => {
    await client.mergePatch(jobResources.jobs, at, body, signal);
  });

/** The annotation tells what is ours to resume. */
const suspension = (suspend: boolean): object => ({
  metadata: { annotations: { [annotations.suspendedBy]: suspend ? labels.managedByValue : null } },
  spec: { suspend },
});

/** A Job that is gone needs no change any more. */
const unlessGone = async (change: () => Promise<void>): Promise<void> => {
  try {
    await change();
  } catch (thrown) {
    if (!isStatus(thrown, 404)) throw thrown;
  }
};
