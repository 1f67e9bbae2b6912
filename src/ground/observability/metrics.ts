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
});

export type QueueMetrics = ReturnType<typeof queueMetrics>;
/** Metrics of work queues. */
export const queueMetrics = (registry: Registry) => ({
  depth: new Gauge({
    name: 'workqueue_depth',
    help: 'Keys waiting to be reconciled.',
    labelNames: ['name'],
    registers: [registry],
  }),
  adds: new Counter({
    name: 'workqueue_adds_total',
    help: 'Keys added to the queue.',
    labelNames: ['name'],
    registers: [registry],
  }),
  retries: new Counter({
    name: 'workqueue_retries_total',
    help: 'Keys added again after a failure.',
    labelNames: ['name'],
    registers: [registry],
  }),
  waitSeconds: new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'Seconds that a key waited in the queue.',
    labelNames: ['name'],
    buckets: [0.001, 0.01, 0.1, 1, 10, 60],
    registers: [registry],
  }),
});

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
  objects: new Gauge({
    name: 'modelexport_informer_objects',
    help: 'Objects in a cache, by resource.',
    labelNames: ['resource'],
    registers: [registry],
  }),
  age: ageGauge(registry),
});

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
