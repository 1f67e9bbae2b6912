/** Reads what the pod of `fetch` depends on, and its state. */
import { installation } from '../../ground/contract/installation.ts';
import { labels } from '../api/labels.ts';
import { jobResources } from '../ownedjobs/caches.ts';
import type { PodObject } from '../ownedjobs/kube-shapes.ts';
import type { Query } from '../runtime/client.ts';
import type { Resource } from '../runtime/resources.ts';
import { listIfAllowed, type Reader, type ReadTarget } from './lists.ts';
import type { EventObject } from './objects.ts';
import { selectOwned } from './read.ts';
import type { ClaimObject, ClaimUser, Templated } from './reader-image.ts';

/** Objects that decide image and node of the pod of `fetch`. */
export type ReaderFacts = {
  readonly jobs: readonly Templated[];
  readonly pods: readonly ClaimUser[];
  readonly deployments: readonly Templated[];
  readonly claims: readonly ClaimObject[];
};

const deploymentResource: Resource = { group: 'apps', version: 'v1', plural: 'deployments' };
const claimResource: Resource = { group: '', version: 'v1', plural: 'persistentvolumeclaims' };
const operatorSelector: Query = { labelSelector: `${labels.name}=${installation.operator}` };

/** What decides image and node of the pod of `fetch`. What the user may not read is empty. */
export const readReaderFacts = async (
  reader: Reader,
  { namespace, name }: ReadTarget,
  claims: readonly string[],
): Promise<ReaderFacts> => {
  const [jobs, pods, deployments, found] = await Promise.all([
    listIfAllowed<Templated>(reader, jobResources.jobs, { namespace, query: selectOwned(name) }),
    listIfAllowed<ClaimUser>(reader, jobResources.pods, { namespace }),
    listIfAllowed<Templated>(reader, deploymentResource, { query: operatorSelector }),
    listIfAllowed<ClaimObject>(reader, claimResource, { namespace }),
  ]);
  return {
    jobs: jobs ?? [],
    pods: pods ?? [],
    deployments: deployments ?? [],
    claims: (found ?? []).filter(({ metadata }) => claims.includes(metadata.name)),
  };
};

/** A pod, as the apiserver has it now. */
export const readPod = async (
  { client, signal }: Reader,
  { namespace, name }: ReadTarget,
): Promise<PodObject> => (await client.read(jobResources.pods, { namespace, name }, signal)) as PodObject;

/** Messages of the warnings about a pod; empty if the user may not read events. */
export const readPodWarnings = async (
  reader: Reader,
  { namespace, name }: ReadTarget,
): Promise<readonly string[]> => {
  const fieldSelector = `type=Warning,involvedObject.name=${name}`;
  const found = await listIfAllowed<EventObject>(reader, jobResources.events, {
    namespace,
    query: { fieldSelector },
  });
  return (found ?? []).map(({ reason = '', message = '' }) => `${reason}: ${message}`);
};
