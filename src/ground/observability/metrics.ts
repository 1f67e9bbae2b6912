/** All metrics of the operator. Names and labels follow controller-runtime and client-go where they have the metric. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type RestMetrics = ReturnType<typeof restMetrics>;
/** Metrics of requests to the apiserver. */
export const restMetrics = (registry: Registry) => ({
  requests: new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the apiserver, by status code, method and host.',
    labelNames: ['code', 'method', 'host'],
    registers: [registry],
  }),
  seconds: new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Seconds until the response of the apiserver was read, by verb and host.',
    labelNames: ['verb', 'host'],
    buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30],
    registers: [registry],
  }),
  requestBytes: new Histogram({
    name: 'rest_client_request_size_bytes',
    help: 'Bytes of the bodies of requests to the apiserver, by verb and host.',
    labelNames: ['verb', 'host'],
    buckets: bodySizes,
    registers: [registry],
  }),
  responseBytes: new Histogram({
    name: 'rest_client_response_size_bytes',
    help: 'Bytes of the answers of the apiserver, by verb and host. Watches are not counted.',
    labelNames: ['verb', 'host'],
    buckets: bodySizes,
    registers: [registry],
  }),
  retries: new Counter({
    name: 'rest_client_request_retries_total',
    help: 'Requests that were sent again because the token had been rotated, by code, verb and host.',
    labelNames: ['code', 'verb', 'host'],
    registers: [registry],
  }),
});

/** The buckets of client-go: 64 B to 16 MiB. */
const bodySizes = [64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216];

const queueLabels = ['name', 'controller'] as const;
/** The buckets of controller-runtime: 1 ns to 1000 s there, from 1 ms here, because a key waits for a timer at least. */
const queueBuckets = [0.001, 0.01, 0.1, 1, 10, 60, 600];

export type QueueMetrics = ReturnType<typeof queueMetrics>;
/** Metrics of work queues. */
export const queueMetrics = (registry: Registry) => ({
  adds: new Counter({
    name: 'workqueue_adds_total',
    help: 'Keys added to the queue.',
    labelNames: queueLabels,
    registers: [registry],
  }),
  retries: new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys added again after a failure.',
    labelNames: queueLabels,
    registers: [registry],
  }),
  waitSeconds: new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Seconds that a key waited in the queue.',
    labelNames: queueLabels,
    buckets: queueBuckets,
    registers: [registry],
  }),
  workSeconds: new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'Seconds that the work on a key took.',
    labelNames: queueLabels,
    buckets: queueBuckets,
    registers: [registry],
  }),
  addSource: stateGauges(registry),
});

/** The state of a queue at the time of a scrape. */
export type QueueState = {
  /** Number of waiting keys, by priority. */
  readonly depths: () => readonly (readonly [priority: string, count: number])[];
  /** Milliseconds for which each key in progress has been processed. */
  readonly inProgressMs: () => readonly number[];
};

/** Computed on scrape, because work that hangs reports nothing, and a queue changes far more often than it is scraped. */
const stateGauges = (registry: Registry) => {
  const sources = new Map<string, QueueState>();
  const registers = [registry];
  new Gauge({
    name: 'workqueue_depth',
    help: 'Keys waiting to be reconciled, by priority: first, normal or low.',
    labelNames: [...queueLabels, 'priority'],
    registers,
    collect() {
      for (const [queue, { depths }] of sources)
        for (const [priority, count] of depths())
          this.set({ name: queue, controller: queue, priority }, count);
    },
  });
  const add = (name: string, help: string, combine: (seconds: readonly number[]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: queueLabels,
      registers,
      collect() {
        for (const [queue, { inProgressMs }] of sources) {
          const seconds = inProgressMs().map((ms) => ms / 1000);
          this.set({ name: queue, controller: queue }, combine(seconds));
        }
      },
    });
  add(
    'workqueue_unfinished_work_seconds',
    'Sum of the seconds that unfinished work has taken so far.',
    (all) => all.reduce((sum, each) => sum + each, 0),
  );
  add(
    'workqueue_longest_running_processor_seconds',
    'Seconds that the longest unfinished work has taken so far.',
    (all) => Math.max(0, ...all),
  );
  return (queue: string, state: QueueState): void => {
    sources.set(queue, state);
  };
};

export type ControllerMetrics = ReturnType<typeof controllerMetrics>;
/** Metrics of reconciles. */
export const controllerMetrics = (registry: Registry) => ({
  total: new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles, by controller and result: success, requeue_after, conflict or error.',
    labelNames: ['controller', 'result'],
    registers: [registry],
  }),
  errors: new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciles that failed and will be retried, by controller.',
    labelNames: ['controller'],
    registers: [registry],
  }),
  seconds: new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Seconds that a reconcile took, by controller.',
    labelNames: ['controller'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  }),
  panics: new Counter({
    name: 'controller_runtime_reconcile_panics_total',
    help: 'Reconciles that ended by a defect of the program (TypeError, RangeError, ReferenceError), by controller.',
    labelNames: ['controller'],
    registers: [registry],
  }),
  maxWorkers: new Gauge({
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Number of workers, by controller.',
    labelNames: ['controller'],
    registers: [registry],
  }),
  active: new Gauge({
    name: 'controller_runtime_active_workers',
    help: 'Workers that are reconciling now, by controller.',
    labelNames: ['controller'],
    registers: [registry],
  }),
});

export type InformerMetrics = ReturnType<typeof informerMetrics>;
/** Metrics of watch caches. */
export const informerMetrics = (registry: Registry) => ({
  relists: new Counter({
    name: 'modelexport_informer_relists_total',
    help: 'Full lists of a cache, by resource.',
    labelNames: ['resource'],
    registers: [registry],
  }),
  restarts: new Counter({
    name: 'modelexport_informer_watch_restarts_total',
    help: 'Watches that ended and were reopened, by resource and reason: closed, expired, silent or error.',
    labelNames: ['resource', 'reason'],
    registers: [registry],
  }),
  objects: objectsGauge(registry),
  age: ageGauge(registry),
});

/** Computed on scrape, because a cache changes far more often than it is scraped. Caches of several namespaces share a store. */
const objectsGauge = (registry: Registry) => {
  const sources = new Map<string, () => number>();
  new Gauge({
    name: 'modelexport_informer_objects',
    help: 'Objects in a cache, by resource.',
    labelNames: ['resource'],
    registers: [registry],
    collect() {
      for (const [resource, count] of sources) this.set({ resource }, count());
    },
  });
  return (resource: string, count: () => number): void => {
    sources.set(resource, count);
  };
};

/** Computed on scrape, because a cache without events cannot update a metric itself. */
const ageGauge = (registry: Registry) => {
  const sources = new Map<string, (() => number)[]>();
  new Gauge({
    name: 'modelexport_informer_last_event_age_seconds',
    help: 'Seconds since the last event or bookmark of the apiserver, by resource: of several watched namespaces, the one without news for longest. Bookmarks arrive about once a minute.',
    labelNames: ['resource'],
    registers: [registry],
    collect() {
      for (const [resource, seconds] of sources)
        this.set({ resource }, Math.max(...seconds.map((read) => read())));
    },
  });
  return (resource: string, seconds: () => number): void => {
    sources.set(resource, [...(sources.get(resource) ?? []), seconds]);
  };
};

export type LeaderMetrics = ReturnType<typeof leaderMetrics>;
/** Metrics of leader election. */
export const leaderMetrics = (registry: Registry) => ({
  status: new Gauge({
    name: 'leader_election_master_status',
    help: '1 while this process holds the lease, else 0.',
    labelNames: ['name'],
    registers: [registry],
  }),
});
