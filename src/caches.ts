/** The caches of the operator: one informer per resource, and per watched namespace for namespaced resources. */
import type { Registry } from 'prom-client';
import type { CalibrationTensorfile } from './cluster/api/calibration-tensorfile.ts';
import type { ExportDeviceClass } from './cluster/api/export-device-class.ts';
import type { ModelExport } from './cluster/api/model-export.ts';
import { tensorfileCacheOptions } from './cluster/calibrationtensorfile/controller.ts';
import { deviceClassResource, projectDeviceClass } from './cluster/deviceclass/controller.ts';
import { Membership } from './cluster/deviceclass/membership.ts';
import { type NodeFacts, nodeResource, projectNode } from './cluster/deviceclass/node.ts';
import { modelExportCacheOptions } from './cluster/modelexport/caches.ts';
import type { ModelExportStores } from './cluster/modelexport/observe.ts';
import { jobCacheOptions, type NamespaceScope, podCacheOptions } from './cluster/ownedjobs/caches.ts';
import type { JobObject, PodObject } from './cluster/ownedjobs/kube-shapes.ts';
import type { KubeClient } from './cluster/runtime/client.ts';
import { type Change, Informer, type InformerOptions } from './cluster/runtime/informer.ts';
import type { ManagerParts } from './cluster/runtime/manager.ts';
import { makeScopedCache, type Namespaces } from './cluster/runtime/scoped-cache.ts';
import type { NamedObject } from './cluster/runtime/store.ts';
import type { Clock } from './ground/base/clock.ts';
import type { Log } from './ground/observability/log.ts';
import { informerMetrics } from './ground/observability/metrics.ts';

type Listener<T> = (change: Change<T>) => void;

/** Called for each change of a cached object, once the informers run. */
export type Listeners = {
  readonly modelExportChanged: Listener<ModelExport>;
  readonly tensorfileChanged: Listener<CalibrationTensorfile>;
  readonly deviceClassChanged: Listener<ExportDeviceClass>;
  readonly nodeChanged: Listener<NodeFacts>;
  readonly jobChanged: Listener<JobObject>;
  readonly podChanged: Listener<PodObject>;
};

/** What the caches require. */
export type CacheContext = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly registry: Registry;
  readonly namespaces: Namespaces;
};

/** The content of the caches, and the informers that fill them. */
export type Caches = Pick<ManagerParts, 'informers'> & { readonly stores: ModelExportStores };

/** Creates the caches; they are empty until their informers run. */
export const makeCaches = (context: CacheContext, listeners: Listeners): Caches => {
  const { registry, namespaces, ...rest } = context;
  const deps = { ...rest, metrics: informerMetrics(registry) };
  const scoped = <T extends NamedObject>(optionsFor: (scope: NamespaceScope) => InformerOptions<T>) =>
    makeScopedCache(optionsFor, namespaces, deps);
  const modelExports = scoped((scope) => modelExportCacheOptions(scope, listeners.modelExportChanged));
  const tensorfiles = scoped((scope) => tensorfileCacheOptions(scope, listeners.tensorfileChanged));
  const jobs = scoped((scope) => jobCacheOptions(scope, listeners.jobChanged));
  const pods = scoped((scope) => podCacheOptions(scope, listeners.podChanged));
  const classOptions = { resource: deviceClassResource, project: projectDeviceClass };
  const deviceClasses = new Informer({ ...classOptions, onChange: listeners.deviceClassChanged }, deps);
  const nodeOptions = { resource: nodeResource, project: projectNode };
  const nodes = new Informer({ ...nodeOptions, onChange: listeners.nodeChanged }, deps);
  return {
    informers: [
      ...modelExports.informers,
      ...tensorfiles.informers,
      deviceClasses,
      nodes,
      ...jobs.informers,
      ...pods.informers,
    ],
    stores: {
      modelExports: modelExports.store,
      tensorfiles: tensorfiles.store,
      deviceClasses: deviceClasses.store,
      nodes: nodes.store,
      membership: new Membership(deviceClasses.store, nodes.store),
      jobs: jobs.store,
      pods: pods.store,
    },
  };
};
