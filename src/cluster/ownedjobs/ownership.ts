/**
 * Which Jobs and pods are ours. Any tenant can write an ownerReference into an object, so ownership counts only in the
 * owner's namespace and only with the labels that the operator sets.
 */
import { reporters } from '../../ground/contract/result.ts';
import { labels, type OwnerKind, ownerLabels } from '../api/labels.ts';
import type { OwnedMetadata } from './kube-shapes.ts';

/** The object that owns Jobs. */
export type OwnerIdentity = {
  readonly kind: OwnerKind;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string };
};

/** Index value of an owner: a uid alone would match forged references in every namespace. */
export const ownedKey = (namespace: string, uid: string): string => `${namespace}/${uid}`;

/** The index value of an object's controller; an object has at most one. */
export const controllerKeys = ({ namespace, ownerReferences = [] }: OwnedMetadata): readonly string[] =>
  ownerReferences.filter(({ controller }) => controller).map(({ uid }) => ownedKey(namespace, uid));

const isControlledBy = (
  meta: OwnedMetadata,
  { namespace, uid }: Pick<OwnedMetadata, 'namespace' | 'uid'>,
): boolean => controllerKeys(meta).includes(ownedKey(namespace, uid));

/** Whether the Job belongs to this owner: by reference, labels and stage. */
export const isJobOf = (job: OwnedMetadata, { kind, metadata }: OwnerIdentity): boolean => {
  const { name, uid } = ownerLabels[kind];
  return (
    isControlledBy(job, metadata) &&
    job.labels?.[name] === metadata.name &&
    job.labels[uid] === metadata.uid &&
    Object.hasOwn(reporters, job.labels[labels.stage] ?? '')
  );
};

/** Labels that the pods of a Job have in common with it. */
const inheritedLabels: readonly string[] = [
  labels.stage,
  labels.artifactKey,
  labels.deviceClass,
  ...Object.values(ownerLabels).flatMap(({ name, uid }) => [name, uid]),
];

/** Whether the pod belongs to this Job: by reference and labels. */
export const isPodOf = (pod: OwnedMetadata, job: OwnedMetadata): boolean =>
  isControlledBy(pod, job) && inheritedLabels.every((label) => pod.labels?.[label] === job.labels?.[label]);
