/**
 * Reads the pods of an owner from the apiserver, before a verdict by time. After an outage, the cache of pods can be older than
 * that of Jobs for any time: a result that it does not show need not be lost.
 */
import { labels, ownerLabels } from '../api/labels.ts';
import type { KubeClient } from '../runtime/client.ts';
import { jobResources, projectPod } from './caches.ts';
import type { PodObject } from './kube-shapes.ts';
import type { OwnerIdentity } from './ownership.ts';

/**
 * The pods of all Jobs of the owner, as they are now.
 * @throws ApiError
 */
export const readFreshPods = async (
  client: Pick<KubeClient, 'list'>,
  { kind, metadata: { namespace, uid } }: OwnerIdentity,
  signal: AbortSignal,
): Promise<readonly PodObject[]> => {
  // Without resourceVersion, the apiserver answers with its latest state.
  const query = { labelSelector: `${labels.stage},${ownerLabels[kind].uid}=${uid}` };
  const list = (await client.list(jobResources.pods, { namespace, query }, signal)) as RawList;
  return list.items.map(projectPod);
};

type RawList = { readonly items: readonly unknown[] };
