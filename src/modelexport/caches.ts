/** The caches that ModelExports are observed from, and what each keeps of an object. */
import { exportGroup, kinds } from '../api/group.ts';
import { labels } from '../api/labels.ts';
import type { ModelExport } from '../api/model-export.ts';
import type { Change, InformerOptions } from '../runtime/informer.ts';
import type { Resource } from '../runtime/resources.ts';
import type { Stored } from '../runtime/store.ts';
import type { JobObject, MountWarningObject, PodObject } from './kube-shapes.ts';

export const resources = {
  modelExports: { ...exportGroup, plural: kinds.ModelExport.plural },
  jobs: { group: 'batch', version: 'v1', plural: 'jobs' },
  pods: { group: '', version: 'v1', plural: 'pods' },
  events: { group: '', version: 'v1', plural: 'events' },
} as const satisfies Record<string, Resource>;

/** Index names: each is used where it is declared and where it is read, and nowhere else spelled out. */
export const indexes = { deviceClass: 'deviceClass', owner: 'owner', job: 'job', pod: 'pod' } as const;

type Listener<T> = (change: Change<T>) => void;
type Scope = { readonly namespace: string | undefined };

const ours = { labelSelector: `${labels.managedBy}=${labels.managedByValue}` } as const;

export const modelExportCache = (
  scope: Scope,
  onChange: Listener<ModelExport>,
): InformerOptions<ModelExport> => ({
  ...scope,
  resource: resources.modelExports,
  project: (raw) => {
    const { metadata, ...rest } = raw as ModelExport;
    const { name, namespace, uid, resourceVersion, generation, annotations, deletionTimestamp } = metadata;
    return {
      ...rest,
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
  },
  indexes: { [indexes.deviceClass]: ({ spec }) => spec.deviceClasses.map(({ name }) => name) },
  onChange,
});

export const jobCache = (scope: Scope, onChange: Listener<JobObject>): InformerOptions<JobObject> => ({
  ...scope,
  resource: resources.jobs,
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
  indexes: { [indexes.owner]: ({ metadata }) => ownerUid(metadata) },
  onChange,
});

export const podCache = (scope: Scope, onChange: Listener<PodObject>): InformerOptions<PodObject> => ({
  ...scope,
  resource: resources.pods,
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
  indexes: { [indexes.job]: ({ metadata }) => ownerUid(metadata) },
  onChange,
});

/** A kubelet tells of a missing Secret by an event alone. */
export const mountWarningCache = (
  scope: Scope,
  onChange: Listener<MountWarningObject>,
): InformerOptions<MountWarningObject> => ({
  ...scope,
  resource: resources.events,
  selectors: { fieldSelector: 'reason=FailedMount,involvedObject.kind=Pod' },
  project: (raw) => {
    const { metadata, involvedObject, message } = raw as RawEvent;
    return { metadata: metaOf(metadata), podUid: involvedObject.uid, message: message ?? '' };
  },
  indexes: { [indexes.pod]: ({ podUid }) => [podUid] },
  onChange,
});

type RawEvent = {
  readonly metadata: MountWarningObject['metadata'];
  readonly involvedObject: { readonly uid: string };
  readonly message?: string;
};

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

const ownerUid = ({ ownerReferences }: JobObject['metadata']): readonly string[] =>
  (ownerReferences ?? []).filter(({ controller }) => controller).map(({ uid }) => uid);
