/** Informer options for owned Jobs and their pods, with the fields that the caches keep. */
import { annotations, labels } from '../api/labels.ts';
import type { ObjectMeta } from '../api/model-export.ts';
import type { UnreadText } from '../runtime/event-lines.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import type { Resource } from '../runtime/resources.ts';
import type { Store } from '../runtime/store.ts';
import { pickAnnotations, pickLabels, shortenValue } from './kept-metadata.ts';
import type { JobObject, PodObject } from './kube-shapes.ts';
import { controllerKeys, ownedKey } from './ownership.ts';
import { projectConditions, projectContainers } from './project-status.ts';

/** REST resources of what owners of Jobs cause. */
export const jobResources = {
  jobs: { group: 'batch', version: 'v1', plural: 'jobs' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  events: { group: '', version: 'v1', plural: 'events' },
} as const satisfies Record<string, Resource>;

/** The caches that every owner of Jobs reads. */
export type JobStores = {
  readonly jobs: Store<JobObject>;
  readonly pods: Store<PodObject>;
};

/** Names of the indexes. */
export const jobIndexes = { owner: 'owner', folder: 'folder', job: 'job' } as const;

type Listener<T> = (change: Change<T>) => void;
/** One namespace, or all if undefined. */
export type NamespaceScope = { readonly namespace: string | undefined };

/**
 * Keeps an object's spec and status, whose sizes its schema limits, and the metadata that is read. Versions of an object with
 * the same spec share it, so that what is computed from it is computed once.
 */
export const projectOwner = <T extends OwnerShape>(raw: T, cached?: T): T => {
  const { name, namespace, uid, resourceVersion, generation, deletionTimestamp } = raw.metadata;
  const isSameSpec = cached?.metadata.uid === uid && cached.metadata.generation === generation;
  const annotations = pickAnnotations(raw.metadata.annotations);
  return {
    ...raw,
    ...(isSameSpec && { spec: cached.spec }),
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

type OwnerShape = { readonly metadata: ObjectMeta; readonly spec: object };

/** Selects by our own label: admission policies may overwrite shared ones such as app.kubernetes.io/managed-by. */
const ownSelector = { labelSelector: labels.stage } as const;

/**
 * The template of a Job, and the volumes and containers of a pod: three quarters of what managedFields leaves. The texts around
 * them follow from the order of fields in the Go types of Kubernetes, and from what our Jobs have.
 */
export const unreadTexts = {
  jobs: { from: '"template":{', to: '"ttlSecondsAfterFinished":' },
  pods: { from: '"volumes":[', to: '"restartPolicy":"Never","terminationGracePeriodSeconds":' },
} as const satisfies Record<string, UnreadText>;

/** Informer options for Jobs. */
export const jobCacheOptions = (
  scope: NamespaceScope,
  onChange: Listener<JobObject>,
): InformerOptions<JobObject> => ({
  ...scope,
  resource: jobResources.jobs,
  selectors: ownSelector,
  unread: unreadTexts.jobs,
  project: (raw) => {
    const { metadata, spec, status } = raw as JobObject;
    const { suspend, managedBy, completions } = spec;
    const { conditions, completionTime } = status ?? {};
    const { [annotations.suspendedBy]: suspendedBy } = (metadata as RawMeta).annotations ?? {};
    return {
      metadata: projectMetadata(metadata),
      spec: {
        ...(suspend !== undefined && { suspend }),
        ...(managedBy && { managedBy }),
        ...(completions !== undefined && { completions }),
      },
      suspendedByUs: suspendedBy === labels.managedByValue,
      status: {
        ...(conditions && { conditions: projectConditions(conditions) }),
        ...(completionTime && { completionTime }),
      },
    };
  },
  indexes: {
    [jobIndexes.owner]: ({ metadata }) => controllerKeys(metadata),
    [jobIndexes.folder]: ({ metadata: { namespace, labels: own } }) => {
      const folder = own?.[labels.folder];
      return folder === undefined ? [] : [ownedKey(namespace, folder)];
    },
  },
  onChange,
});

/** Informer options for pods. */
export const podCacheOptions = (
  scope: NamespaceScope,
  onChange: Listener<PodObject>,
): InformerOptions<PodObject> => ({
  ...scope,
  resource: jobResources.pods,
  selectors: ownSelector,
  unread: unreadTexts.pods,
  project: projectPod,
  indexes: { [jobIndexes.job]: ({ metadata }) => controllerKeys(metadata) },
  onChange,
});

/** The fields that are read of a pod. @param raw as the apiserver sends it */
export const projectPod = (raw: unknown): PodObject => {
  const { metadata, spec, status } = raw as PodObject;
  const { phase, conditions, initContainerStatuses, containerStatuses } = status ?? {};
  return {
    metadata: projectMetadata(metadata),
    spec: { ...(spec?.nodeName && { nodeName: spec.nodeName }) },
    status: {
      ...(phase && { phase }),
      ...(conditions && { conditions: projectConditions(conditions) }),
      ...(initContainerStatuses && { initContainerStatuses: projectContainers(initContainerStatuses) }),
      ...(containerStatuses && { containerStatuses: projectContainers(containerStatuses) }),
    },
  };
};

type RawMeta = { readonly annotations?: Readonly<Record<string, string>> };

/** Keeps the metadata that is read; the rest is most of an object's size. */
const projectMetadata = (meta: JobObject['metadata']): JobObject['metadata'] => {
  const { name, namespace, uid, creationTimestamp, deletionTimestamp } = meta;
  const own = pickLabels(meta.labels);
  const controllers = meta.ownerReferences?.filter(({ controller }) => controller);
  return {
    name,
    namespace,
    uid,
    ...(creationTimestamp && { creationTimestamp }),
    ...(own && { labels: own }),
    ...(controllers && {
      ownerReferences: controllers.map(({ kind, name: of, uid: id }) => ({
        kind: shortenValue(kind),
        name: shortenValue(of),
        uid: id,
        controller: true,
      })),
    }),
    ...(deletionTimestamp && { deletionTimestamp }),
  };
};
