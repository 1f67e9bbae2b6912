/** The caches of owned Jobs and their pods, and what each keeps of an object. */
import { labels } from '../api/labels.ts';
import type { ObjectMeta } from '../api/model-export.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import type { Resource } from '../runtime/resources.ts';
import type { Store, Stored } from '../runtime/store.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';
import { controllerKeys } from './ownership.ts';

export const jobResources = {
  jobs: { group: 'batch', version: 'v1', plural: 'jobs' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  events: { group: '', version: 'v1', plural: 'events' },
} as const satisfies Record<string, Resource>;

export type JobStores = {
  readonly jobs: Store<JobObject>;
  readonly pods: Store<PodObject>;
};

/** Index names: each is used where it is declared and where it is read, and nowhere else spelled out. */
export const jobIndexes = { owner: 'owner', job: 'job' } as const;

type Listener<T> = (change: Change<T>) => void;
/** One namespace, or all. */
export type Scope = { readonly namespace: string | undefined };

/** Of an object of ours that owns Jobs: drops managedFields, which are most of its bytes. */
export const projectOwner = <T extends { readonly metadata: ObjectMeta }>(raw: T): T => {
  const { name, namespace, uid, resourceVersion, generation, annotations, deletionTimestamp } = raw.metadata;
  return {
    ...raw,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      generation,
      ...(annotations && { annotations }),
      ...(deletionTimestamp && { deletionTimestamp }),
    },
  };
};

const ours = { labelSelector: `${labels.managedBy}=${labels.managedByValue}` } as const;

export const jobCache = (scope: Scope, onChange: Listener<JobObject>): InformerOptions<JobObject> => ({
  ...scope,
  resource: jobResources.jobs,
  selectors: ours,
  project: (raw) => {
    const { metadata, spec, status } = raw as JobObject;
    const { suspend, ttlSecondsAfterFinished } = spec;
    return {
      metadata: metaOf(metadata),
      spec: {
        ...(suspend !== undefined && { suspend }),
        ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }),
      },
      ...(status && { status }),
    };
  },
  indexes: { [jobIndexes.owner]: ({ metadata }) => controllerKeys(metadata) },
  onChange,
});

export const podCache = (scope: Scope, onChange: Listener<PodObject>): InformerOptions<PodObject> => ({
  ...scope,
  resource: jobResources.pods,
  selectors: ours,
  project: (raw) => {
    const { metadata, spec, status } = raw as PodObject;
    const { phase, conditions, initContainerStatuses, containerStatuses } = status ?? {};
    return {
      metadata: metaOf(metadata),
      spec: { ...(spec?.nodeName && { nodeName: spec.nodeName }) },
      status: {
        ...(phase && { phase }),
        ...(conditions && { conditions }),
        ...(initContainerStatuses && { initContainerStatuses }),
        ...(containerStatuses && { containerStatuses }),
      },
    };
  },
  indexes: { [jobIndexes.job]: ({ metadata }) => controllerKeys(metadata) },
  onChange,
});

/** Drops managedFields and annotations, which are most of an object's bytes. */
const metaOf = <M extends JobObject['metadata']>(meta: M): M & Stored['metadata'] => {
  const { name, namespace, uid, creationTimestamp, labels: own, ownerReferences, deletionTimestamp } = meta;
  return {
    name,
    namespace,
    uid,
    ...(creationTimestamp && { creationTimestamp }),
    ...(own && { labels: own }),
    ...(ownerReferences && { ownerReferences }),
    ...(deletionTimestamp && { deletionTimestamp }),
  } as M;
};
