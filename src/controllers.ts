/** Composition root of the operator: creates caches, queues and controllers, and connects them. */
import { type CacheContext, type Listeners, makeCaches } from './caches.ts';
import { type Kind, kinds } from './cluster/api/group.ts';
import { makeTensorfileReconciler } from './cluster/calibrationtensorfile/controller.ts';
import { makeDeviceClassController } from './cluster/deviceclass/controller.ts';
import type { Images } from './cluster/jobs/images.ts';
import { makeAttemptCounter } from './cluster/metrics/attempts.ts';
import { makeStateSource } from './cluster/metrics/state.ts';
import type { ModelExportStores } from './cluster/modelexport/observe.ts';
import { makeModelExportReconciler } from './cluster/modelexport/reconciler.ts';
import { makeWatches } from './cluster/modelexport/watches.ts';
import { makeActionLog, makeRefusalLog } from './cluster/ownedjobs/action-log.ts';
import type { OnPerformed } from './cluster/ownedjobs/apply.ts';
import { Claims } from './cluster/ownedjobs/claims.ts';
import type { JobObject } from './cluster/ownedjobs/kube-shapes.ts';
import { OwnWrites } from './cluster/ownedjobs/own-writes.ts';
import {
  enqueueWorking,
  makeReportFollower,
  makeReportReader,
  reportWorkers,
} from './cluster/ownedjobs/read-reports.ts';
import { Refusals } from './cluster/ownedjobs/refusals.ts';
import { Reports } from './cluster/ownedjobs/reports.ts';
import { makeRoomListener } from './cluster/ownedjobs/waiting.ts';
import { Warnings } from './cluster/ownedjobs/warnings.ts';
import {
  burstMs,
  enqueueAll,
  enqueueChanged,
  enqueueOwner,
  makeOwnedListeners,
} from './cluster/ownedjobs/watches.ts';
import type { PageSource } from './cluster/page/page.ts';
import { type ControllerOptions, runController } from './cluster/runtime/controller.ts';
import type { ManagedController, ManagerParts } from './cluster/runtime/manager.ts';
import { WorkQueue } from './cluster/runtime/queue.ts';
import { makeRecorder } from './cluster/runtime/recorder.ts';
import { keyOf } from './cluster/runtime/resources.ts';
import { attemptMetrics, stateMetrics } from './ground/observability/export-metrics.ts';
import { controllerMetrics, queueMetrics } from './ground/observability/metrics.ts';

/** Dependencies and settings of the operator. */
export type OperatorContext = CacheContext & {
  readonly images: Images;
  /** Number of workers of the ModelExport controller. */
  readonly workers: number;
  /** Whether each object gets its own time series. */
  readonly metricsPerObject: boolean;
  /** Time between two reads of the progress of a pod, in milliseconds; 0 for none. */
  readonly progressMs: number;
  /** Name of this process in events (`reportingInstance`). */
  readonly instance: string;
};

/** Creates the caches and controllers of the operator; nothing runs until the manager starts them. */
export const makeControllers = (
  context: OperatorContext,
): Pick<ManagerParts, 'informers' | 'controllers'> & { readonly readExports: () => PageSource } => {
  const queues = makeQueues(context);
  const watches = makeWatches(() => stores, queues.modelExport);
  const classQueue = queues.deviceClass;
  // Changes arrive only once the informers run, so listeners may use what is created below.
  const ownerQueues = { ModelExport: queues.modelExport, CalibrationTensorfile: queues.tensorfile };
  const refusals = new Refusals(context.clock);
  const owners = () => ({ ModelExport: stores.modelExports, CalibrationTensorfile: stores.tensorfiles });
  const roomMade = makeRoomListener({ queues: ownerQueues, owners, refusals });
  const owned = makeOwnedListeners(ownerQueues, () => stores.jobs);
  const followReports = makeReportFollower(queues.progress, context.progressMs);
  const listeners: Listeners = {
    podChanged: (change) => {
      owned.podChanged(change);
      followReports(change);
    },
    jobChanged: (change) => {
      owned.jobChanged(change);
      roomMade(change);
    },
    modelExportChanged: watches.modelExportChanged,
    tensorfileChanged: (change) => {
      enqueueChanged(queues.tensorfile, change);
      watches.tensorfileChanged(change);
    },
    deviceClassChanged: (change) => {
      classController.classChanged(change);
      watches.deviceClassChanged(change);
    },
    nodeChanged: (change) => classController.nodeChanged(change),
  };
  const { informers, stores } = makeCaches(context, listeners);
  const { client, clock, log } = context;
  const { deviceClasses: classes, nodes, membership } = stores;
  const onAvailability = watches.availabilityChanged;
  const classDeps = { client, clock, log, classes, nodes, membership, queue: classQueue, onAvailability };
  const classController = makeDeviceClassController(classDeps);
  showState(context, stores);
  const manage = makeManaged(context);
  const reports = new Reports();
  return {
    informers,
    readExports: () => ({
      exports: stores.modelExports.list(),
      countNodes: (name) => stores.membership.count(name),
      now: clock.now(),
    }),
    controllers: [
      ...makeOwnerControllers(context, stores, { queues, manage, refusals, reports }),
      manage(
        { queue: classQueue, workers: 1, reconcile: classController.reconcile },
        classController.enqueueAll,
      ),
      ...makeProgressController(context, stores, { queues, manage, reports }),
    ],
  };
};

type Queues = ReturnType<typeof makeQueues>;

/** A queue, and its controller, has the name of its kind in metrics and logs, as in controller-runtime. */
const makeQueues = ({ clock, random, registry }: OperatorContext) => {
  const metrics = queueMetrics(registry);
  const make = (name: string) => new WorkQueue({ name, clock, random, metrics });
  const makeFor = (kind: Kind) => make(kinds[kind].singular);
  return {
    modelExport: makeFor('ModelExport'),
    tensorfile: makeFor('CalibrationTensorfile'),
    deviceClass: makeFor('ExportDeviceClass'),
    progress: make('progress'),
  };
};

type Manage = ReturnType<typeof makeManaged>;

const makeManaged = ({ clock, log, registry }: OperatorContext) => {
  const metrics = controllerMetrics(registry);
  return (options: ControllerOptions, enqueue: () => void): ManagedController => ({
    queue: options.queue,
    enqueueAll: enqueue,
    run: (signal) => runController(options, { clock, log, metrics }, signal),
  });
};

/** Metrics of the state of all objects, read from the caches at each scrape. */
const showState = ({ registry, metricsPerObject: perObject }: OperatorContext, stores: ModelExportStores) => {
  const countNodes = (name: string) => stores.membership.count(name);
  stateMetrics(registry, makeStateSource({ ...stores, countNodes }), { perObject });
};

/** Logs every performed action, and counts attempts. */
const makeOnPerformed = ({ log, registry }: OperatorContext, stores: ModelExportStores): OnPerformed => {
  const logAction = makeActionLog(log);
  const countAttempts = makeAttemptCounter({
    metrics: attemptMetrics(registry),
    findClass: (name) => stores.deviceClasses.get(name),
    findArchitecture: (owner) => stores.modelExports.get(keyOf(owner))?.spec.architecture,
  });
  return (action, owner) => {
    logAction(action, owner);
    countAttempts(action, owner);
  };
};

/** The controller that reads the progress of pods; none if that is turned off. */
const makeProgressController = (
  { client, clock, log, progressMs: intervalMs }: OperatorContext,
  stores: ModelExportStores,
  { queues, manage, reports }: Omit<OwnerParts, 'refusals'>,
): readonly ManagedController[] => {
  if (intervalMs === 0) return [];
  const { modelExport, tensorfile, progress: queue } = queues;
  const owners = { ModelExport: modelExport, CalibrationTensorfile: tensorfile };
  const onReport = (job: JobObject) => enqueueOwner(owners, job, burstMs);
  const reconcile = makeReportReader({ client, clock, log, stores, reports, intervalMs, onReport });
  const options = { queue, workers: reportWorkers, reconcile };
  return [manage(options, () => enqueueWorking(queue, stores.pods))];
};

type OwnerParts = {
  readonly queues: Queues;
  readonly manage: Manage;
  /** Shared, because a quota is shared by all kinds. */
  readonly refusals: Refusals;
  readonly reports: Reports;
};

/** The controllers of the kinds that own Jobs. */
const makeOwnerControllers = (
  context: OperatorContext,
  stores: ModelExportStores,
  { queues, manage, refusals, reports }: OwnerParts,
): readonly ManagedController[] => {
  const { client, clock, log, images, workers, instance } = context;
  const record = makeRecorder({ client, clock, log, instance });
  const onPerformed = makeOnPerformed(context, stores);
  const claims = new Claims({ client, clock, log });
  const makeDeps = () => ({
    client,
    record,
    stores,
    images,
    clock,
    onPerformed,
    onRefused: makeRefusalLog(log),
    warnings: new Warnings({ client, clock, log }),
    claims,
    refusals,
    reports,
    ownWrites: new OwnWrites(clock),
  });
  const { modelExport, tensorfile } = queues;
  return [
    manage({ queue: modelExport, workers, reconcile: makeModelExportReconciler(makeDeps()) }, () =>
      enqueueAll(modelExport, stores.modelExports),
    ),
    manage(
      {
        queue: tensorfile,
        workers: 1,
        reconcile: makeTensorfileReconciler(makeDeps()),
      },
      () => enqueueAll(tensorfile, stores.tensorfiles),
    ),
  ];
};
