/** Composition root of the operator: creates all caches and controllers and connects them. */
import type { Registry } from 'prom-client';
import type { CalibrationTensorfile } from './cluster/api/calibration-tensorfile.ts';
import {
  makeTensorfileReconciler,
  tensorfileCacheOptions,
} from './cluster/calibrationtensorfile/controller.ts';
import {
  deviceClassResource,
  makeDeviceClassController,
  projectDeviceClass,
} from './cluster/deviceclass/controller.ts';
import { Membership } from './cluster/deviceclass/membership.ts';
import { nodeResource, projectNode } from './cluster/deviceclass/node.ts';
import type { Images } from './cluster/jobs/images.ts';
import { makeAttemptCounter } from './cluster/metrics/attempts.ts';
import { makeStateSource } from './cluster/metrics/state.ts';
import { modelExportCacheOptions } from './cluster/modelexport/caches.ts';
import type { ModelExportStores } from './cluster/modelexport/observe.ts';
import { makeModelExportReconciler } from './cluster/modelexport/reconciler.ts';
import { makeWatches } from './cluster/modelexport/watches.ts';
import { makeActionLog } from './cluster/ownedjobs/action-log.ts';
import type { OnPerformed } from './cluster/ownedjobs/apply.ts';
import { jobCacheOptions, podCacheOptions } from './cluster/ownedjobs/caches.ts';
import { Refusals } from './cluster/ownedjobs/refusals.ts';
import { Warnings } from './cluster/ownedjobs/warnings.ts';
import { enqueueAll, enqueueChanged, makeOwnedListeners } from './cluster/ownedjobs/watches.ts';
import type { KubeClient } from './cluster/runtime/client.ts';
import { type Reconcile, runController } from './cluster/runtime/controller.ts';
import { type Change, Informer } from './cluster/runtime/informer.ts';
import type { ManagerParts } from './cluster/runtime/manager.ts';
import { WorkQueue } from './cluster/runtime/queue.ts';
import { makeRecorder } from './cluster/runtime/recorder.ts';
import { makeScopedCache, type Namespaces } from './cluster/runtime/scoped-cache.ts';
import type { Clock } from './ground/base/clock.ts';
import { attemptMetrics, stateMetrics } from './ground/observability/export-metrics.ts';
import type { Log } from './ground/observability/log.ts';
import { controllerMetrics, informerMetrics, queueMetrics } from './ground/observability/metrics.ts';

export type OperatorContext = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly registry: Registry;
  readonly namespaces: Namespaces;
  readonly images: Images;
  readonly workers: number;
  /** Whether each object gets series of its own. */
  readonly metricsPerObject: boolean;
  /** Name of this process in events (`reportingInstance`). */
  readonly instance: string;
};

/** Creates the caches and controllers of the operator; nothing runs until the manager starts them. */
export const makeControllers = (world: OperatorContext): Pick<ManagerParts, 'informers' | 'controllers'> => {
  const { client, clock, random, log, registry, images } = world;
  const queues = queueMetrics(registry);
  const exportQueue = new WorkQueue({ name: 'modelexport', clock, random, metrics: queues });
  const tensorfileQueue = new WorkQueue({ name: 'calibrationtensorfile', clock, random, metrics: queues });
  const classQueue = new WorkQueue({ name: 'exportdeviceclass', clock, random, metrics: queues });
  const watches = makeWatches(() => stores, exportQueue);
  const owned = makeOwnedListeners(
    { ModelExport: exportQueue, CalibrationTensorfile: tensorfileQueue },
    () => stores.jobs,
  );
  const deps = { client, clock, random, log, metrics: informerMetrics(registry) };
  const tensorfileChanged = (change: Change<CalibrationTensorfile>) => {
    enqueueChanged(tensorfileQueue, change);
    watches.tensorfileChanged(change);
  };
  const { namespaces } = world;
  const modelExports = makeScopedCache(
    (scope) => modelExportCacheOptions(scope, watches.modelExportChanged),
    namespaces,
    deps,
  );
  const tensorfiles = makeScopedCache(
    (scope) => tensorfileCacheOptions(scope, tensorfileChanged),
    namespaces,
    deps,
  );
  const jobs = makeScopedCache((scope) => jobCacheOptions(scope, owned.jobChanged), namespaces, deps);
  const pods = makeScopedCache((scope) => podCacheOptions(scope, owned.podChanged), namespaces, deps);
  const deviceClasses = new Informer(
    {
      resource: deviceClassResource,
      project: projectDeviceClass,
      onChange: (change) => {
        classController.classChanged(change);
        watches.deviceClassChanged(change);
      },
    },
    deps,
  );
  const nodes = new Informer(
    {
      resource: nodeResource,
      project: projectNode,
      onChange: (change) => classController.nodeChanged(change),
    },
    deps,
  );
  const membership = new Membership(deviceClasses.store, nodes.store);
  const stores: ModelExportStores = {
    modelExports: modelExports.store,
    tensorfiles: tensorfiles.store,
    deviceClasses: deviceClasses.store,
    nodes: nodes.store,
    membership,
    jobs: jobs.store,
    pods: pods.store,
  };
  const classController = makeDeviceClassController({
    client,
    clock,
    queue: classQueue,
    classes: deviceClasses.store,
    nodes: nodes.store,
    membership,
    onAvailability: watches.availabilityChanged,
  });
  const record = makeRecorder({ client, clock, log, instance: world.instance });
  const source = makeStateSource({ ...stores, countNodes: (name) => membership.count(name) });
  stateMetrics(registry, source, { perObject: world.metricsPerObject });
  const logAction = makeActionLog(log);
  const countAttempts = makeAttemptCounter({
    metrics: attemptMetrics(registry),
    findClass: (name) => deviceClasses.store.get(name),
  });
  const onPerformed: OnPerformed = (action, owner) => {
    logAction(action, owner);
    countAttempts(action, owner);
  };
  const owning = { client, record, stores, images, clock, onPerformed };
  const warned = () => ({
    ...owning,
    warnings: new Warnings({ client, clock, log }),
    refusals: new Refusals(clock),
  });
  const metrics = controllerMetrics(registry);
  const controlled = (
    name: string,
    queue: WorkQueue,
    { enqueueAll, ...how }: { reconcile: Reconcile; workers: number; enqueueAll: () => void },
  ) => ({
    queue,
    enqueueAll,
    run: (signal: AbortSignal) => runController({ name, queue, ...how }, { clock, log, metrics }, signal),
  });
  return {
    informers: [
      ...modelExports.informers,
      ...tensorfiles.informers,
      deviceClasses,
      nodes,
      ...jobs.informers,
      ...pods.informers,
    ],
    controllers: [
      controlled('modelexport', exportQueue, {
        reconcile: makeModelExportReconciler(warned()),
        workers: world.workers,
        enqueueAll: () => enqueueAll(exportQueue, modelExports.store),
      }),
      controlled('calibrationtensorfile', tensorfileQueue, {
        reconcile: makeTensorfileReconciler(warned()),
        workers: 1,
        enqueueAll: () => enqueueAll(tensorfileQueue, tensorfiles.store),
      }),
      controlled('exportdeviceclass', classQueue, {
        reconcile: classController.reconcile,
        workers: 1,
        enqueueAll: classController.enqueueAll,
      }),
    ],
  };
};
