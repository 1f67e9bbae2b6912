/** All metrics of the operator, for the reference page. Not used at run time. */
import { Registry } from 'prom-client';
import { attemptMetrics, buildInfo, stateMetrics } from './export-metrics.ts';
import { controllerMetrics, informerMetrics, leaderMetrics, queueMetrics, restMetrics } from './metrics.ts';

export type MetricRow = {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
};

/** Rows by chapter; each row is read from the metric that the operator registers. */
export const listMetrics = (): Readonly<Record<string, readonly MetricRow[]>> => ({
  Exports: rowsOf((registry) => {
    attemptMetrics(registry);
    const source = { objects: () => [], engines: () => [], classes: () => [] };
    stateMetrics(registry, source, { perObject: true });
    buildInfo(registry, { version: '', node_version: '' });
  }),
  Reconciles: rowsOf(controllerMetrics),
  Queues: rowsOf(queueMetrics),
  Caches: rowsOf(informerMetrics),
  'Requests to the apiserver': rowsOf(restMetrics),
  'Leader election': rowsOf(leaderMetrics),
});

/** prom-client keeps the labels of a metric, but does not type them. */
type Described = {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly labelNames?: readonly string[];
};

const rowsOf = (register: (registry: Registry) => unknown): readonly MetricRow[] => {
  const registry = new Registry();
  register(registry);
  const metrics = registry.getMetricsAsArray() as unknown as readonly Described[];
  return metrics.map(({ name, help, type, labelNames = [] }) => ({
    name,
    help,
    type: String(type),
    labels: labelNames,
  }));
};
