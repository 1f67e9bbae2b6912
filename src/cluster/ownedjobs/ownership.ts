/**
 * Which Jobs and pods are ours. An ownerReference is what any tenant may write into an object of any namespace, so a
 * claim of ownership counts only in the owner's own namespace and only with the labels that we give our Jobs and pods.
 */
import { reporters } from '../../ground/contract/result.ts';
import { labels, type OwnerKind, ownerLabels } from '../api/labels.ts';
import type { OwnedMetadata } from './kube-shapes.ts';

/** The object that a Job works for. */
export type OwnerIdentity = {
  readonly kind: OwnerKind;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
};

/** What the caches index by: a uid alone would be looked for in every namespace. */
export const ownedKey = (namespace: string, uid: string): string => `${namespace}/${uid}`;

/** The index values of an owned object: those of its controller, of which there is at most one. */
export const controllerKeys = ({ namespace, ownerReferences = [] }: OwnedMetadata): readonly string[] =>
  ownerReferences.filter(({ controller }) => controller).map(({ uid }) => ownedKey(namespace, uid));

const isControlledBy = (
  meta: OwnedMetadata,
  { namespace, uid }: Pick<OwnedMetadata, 'namespace' | 'uid'>,
): boolean => controllerKeys(meta).includes(ownedKey(namespace, uid));

export const isJobOf = (job: OwnedMetadata, { kind, metadata }: OwnerIdentity): boolean => {
  const { name, uid } = ownerLabels[kind];
  return (
    isControlledBy(job, metadata) &&
    job.labels?.[name] === metadata.name &&
    job.labels[uid] === metadata.uid &&
    Object.hasOwn(reporters, job.labels[labels.stage] ?? '')
  );
};

/** Labels that a Job's template copies to its pods: whose they are, and what they make. */
const inheritedLabels: readonly string[] = [
  labels.stage,
  labels.artifactKey,
  labels.deviceClass,
  ...Object.values(ownerLabels).flatMap(({ name, uid }) => [name, uid]),
];

export const isPodOf = (pod: OwnedMetadata, job: OwnedMetadata): boolean =>
  isControlledBy(pod, job) && inheritedLabels.every((label) => pod.labels?.[label] === job.labels?.[label]);
