/**
 * Pods that must share a node because of their volumes. Volumes that one node has at a time are attached one by one: of two pods
 * that need the same two of them, each could get one and wait for the other for ever. Pure.
 */
import { contentKey } from '../../ground/base/digest.ts';
import { labels, ownerLabels } from '../api/labels.ts';
import type { JobDraft } from '../jobs/job.ts';
import { type FindClaim, listClaims } from './claim-facts.ts';

/** The claims of a Job whose volumes can be attached to one node at a time, sorted. */
const listSingleNodeClaims = (job: Pick<JobDraft, 'spec'>, findClaim: FindClaim): readonly string[] =>
  listClaims(job)
    .filter(({ name, isWritten }) => {
      const modes = findClaim(name)?.accessModes ?? [];
      const shared = isWritten ? ['ReadWriteMany'] : ['ReadWriteMany', 'ReadOnlyMany'];
      return modes.length > 0 && !modes.some((mode) => shared.includes(mode));
    })
    .map(({ name }) => name)
    .sort();

/**
 * The Job, placed so that none of its pods can hold a volume that another pod of an export waits for while it waits for one of that
 * pod's: beside the running pods with the same volumes, if it has two or more, and else beside the other pods of the same Job. The
 * first of them is placed freely; a pod that fits nowhere beside the others starts when they have ended.
 */
export const placeByVolumes = (job: JobDraft, findClaim: FindClaim): JobDraft => {
  const claims = listSingleNodeClaims(job, findClaim);
  if (claims.length > 1) return placeBeside(job, { [labels.volumes]: contentKey(claims) });
  if (claims.length === 0 || job.spec.completionMode !== 'Indexed') return job;
  const { uid } = ownerLabels.ModelExport;
  return placeBeside(
    job,
    Object.fromEntries([labels.stage, uid].map((label) => [label, job.metadata.labels[label]!])),
  );
};

type PodTemplate = {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly affinity?: object };
};

/** Pods with the labels, which the Job's own get, on one node. */
const placeBeside = (job: JobDraft, matchLabels: Readonly<Record<string, string>>): JobDraft => {
  const term = { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' };
  const { template } = job.spec as { readonly template: PodTemplate };
  const { metadata, spec } = template;
  const affinity = {
    ...spec.affinity,
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
  };
  const placed = {
    metadata: { ...metadata, labels: { ...metadata.labels, ...matchLabels } },
    spec: { ...spec, affinity },
  };
  return { ...job, spec: { ...job.spec, template: placed } };
};
