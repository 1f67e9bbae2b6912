/** Decision → cluster: the only writer. Actions go in order, and the first failure stops the rest. */

import { unreachable } from '../../ground/base/unreachable.ts';
import { exportGroup, type Kind, kinds } from '../api/group.ts';
import { ApiError, isStatus } from '../runtime/api-error.ts';
import type { KubeClient } from '../runtime/client.ts';
import type { Recorder } from '../runtime/recorder.ts';
import type { Action, Decision } from './action.ts';
import { jobResources } from './caches.ts';

export type ApplyDeps = {
  readonly client: KubeClient;
  readonly record: Recorder;
  /** False as soon as another process may lead: nothing is written then. */
  readonly mayWrite: () => boolean;
};

/** How long a finished Job stays, for people who want to read its log. */
const finishedJobSeconds = 3600;

/** The object that the decision is about. */
export type Owner = {
  readonly apiVersion: string;
  readonly kind: Kind;
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
  for (const action of actions) {
    if (!deps.mayWrite()) throw new Error('the lease is not held any more: nothing is written');
    await perform(action, owner, { deps, signal });
  }
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
      return patchJob(
        client,
        { namespace, name: action.name },
        { body: { suspend: action.suspend }, signal },
      );
    case 'ExpireJob': {
      const body = { ttlSecondsAfterFinished: finishedJobSeconds };
      return patchJob(client, { namespace, name: action.name }, { body, signal });
    }
    case 'WriteStatus':
      return writeStatus(client, owner, { status: action.status, signal });
    case 'PublishEvent':
      return record(action.event, signal);
    default:
      return unreachable(action);
  }
};

type Write<B> = { readonly body: B; readonly signal: AbortSignal };
type JobAt = { readonly namespace: string; readonly name: string };

/** The name says what the Job makes, so one that is there already is the one that was wanted, if it is ours. */
const createJob = async (
  client: KubeClient,
  owner: Owner,
  { body, signal }: Write<{ readonly metadata: { readonly name: string } }>,
): Promise<void> => {
  const { namespace } = owner.metadata;
  try {
    await client.create(jobResources.jobs, { namespace }, body, signal);
  } catch (thrown) {
    if (!isStatus(thrown, 409)) throw thrown;
    const { name } = body.metadata;
    const there = (await client.read(jobResources.jobs, { namespace, name }, signal)) as OwnedJob;
    if (there.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid)) return;
    throw new ApiError({
      status: 0,
      reason: 'NameTaken',
      message: `Job ${name} exists and belongs to somebody else`,
    });
  }
};

type OwnedJob = { readonly metadata: { readonly ownerReferences?: readonly { readonly uid: string }[] } };

const removeJob = async (
  client: KubeClient,
  at: JobAt & { readonly uid: string },
  signal: AbortSignal,
): Promise<void> => {
  try {
    await client.remove(jobResources.jobs, at, signal);
  } catch (thrown) {
    if (!isStatus(thrown, 404)) throw thrown; // Gone already: what was wanted.
  }
};

const patchJob = async (client: KubeClient, at: JobAt, { body, signal }: Write<object>): Promise<void> => {
  await client.mergePatch(jobResources.jobs, at, { spec: body }, signal);
};

/** The resourceVersion makes a decision from an outdated cache a conflict, which is retried quietly. */
const writeStatus = async (
  client: KubeClient,
  { apiVersion, kind, metadata }: Owner,
  { status, signal }: { readonly status: object; readonly signal: AbortSignal },
): Promise<void> => {
  const { name, namespace, resourceVersion } = metadata;
  const body = { apiVersion, kind, metadata: { name, namespace, resourceVersion }, status };
  const resource = { ...exportGroup, plural: kinds[kind].plural };
  await client.apply(resource, { namespace, name, subresource: 'status' }, body, signal);
};
