/** Content of the Grafana dashboard: what is exported, what is stuck and why, on which class, how long it takes, what it costs. */
import { ourControllers } from './selectors.ts';

export type Panel = {
  readonly title: string;
  readonly kind: 'stat' | 'timeseries' | 'table' | 'bargauge';
  /** PromQL, one query per series of the panel. `$__rate_interval` is Grafana's. */
  readonly queries: readonly PanelQuery[];
  /** Default: a count of whole things. */
  readonly unit?: 's' | 'short' | 'bytes' | 'ops';
  readonly description?: string;
  /** The least number that is shown in red. */
  readonly redFrom?: number;
  /** Of a table: its columns, which are labels of the series. */
  readonly columns?: readonly string[];
};

export type PanelQuery = { readonly expression: string; readonly legend: string };

export type Row = { readonly title: string; readonly panels: readonly Panel[] };

/**
 * How often something happened in the interval. A counter begins at its first event, of which `increase` sees nothing: a series that
 * is younger than the interval counts whole.
 */
const eventsOf = (by: string, series: string): string =>
  `sum by (${by}) ((${series} unless ${series} offset $__rate_interval) or increase(${series}[$__rate_interval]))`;

/** A quantile of what ended in the interval. */
const quantile = (metric: string, by: readonly string[], q: number): PanelQuery => ({
  expression: `histogram_quantile(${q}, ${eventsOf([...by, 'le'].join(', '), `${metric}_bucket`)})`,
  legend: [`p${q * 100}`, ...by.map((label) => `{{${label}}}`)].join(' '),
});

/** The rows of the dashboard, from top to bottom. */
export const rows: readonly Row[] = [
  {
    title: 'What is exported',
    panels: [
      {
        title: 'Ready',
        kind: 'stat',
        queries: [{ expression: 'sum(modelexport_objects{reason="Ready"}) or vector(0)', legend: 'ready' }],
      },
      {
        title: 'In progress',
        kind: 'stat',
        queries: [
          {
            expression: 'sum(modelexport_condition{condition="Reconciling",status="True"}) or vector(0)',
            legend: 'in progress',
          },
        ],
      },
      {
        title: 'Stalled',
        kind: 'stat',
        redFrom: 1,
        queries: [
          {
            expression: 'sum(modelexport_condition{condition="Stalled",status="True"}) or vector(0)',
            legend: 'stalled',
          },
        ],
      },
      {
        title: 'Objects by reason',
        kind: 'timeseries',
        queries: [
          { expression: 'sum by (kind, reason) (modelexport_objects)', legend: '{{kind}} {{reason}}' },
        ],
      },
    ],
  },
  {
    title: 'What is stuck, and why',
    panels: [
      {
        title: 'Stalled objects',
        kind: 'table',
        columns: ['namespace', 'name', 'reason', 'kind'],
        queries: [
          {
            expression:
              'max by (kind, namespace, name, reason) (modelexport_condition{condition="Stalled",status="True"})',
            legend: '{{namespace}}/{{name}} {{reason}}',
          },
        ],
      },
      {
        title: 'Engines by device class and state',
        kind: 'bargauge',
        queries: [
          {
            expression: 'sum by (device_class, reason) (modelexport_engines)',
            legend: '{{device_class}} {{reason}}',
          },
        ],
      },
      {
        title: 'Failed attempts by reason',
        kind: 'timeseries',
        queries: [
          {
            expression: eventsOf('stage, reason', 'modelexport_builds_total{result="failed"}'),
            legend: '{{stage}} {{reason}}',
          },
        ],
      },
    ],
  },
  {
    title: 'On which class',
    panels: [
      {
        title: 'Ready nodes of each class',
        kind: 'timeseries',
        queries: [{ expression: 'modelexport_device_class_nodes', legend: '{{device_class}} ({{backend}})' }],
      },
      {
        title: 'Attempts by class and result',
        kind: 'timeseries',
        queries: [
          {
            expression: eventsOf('device_class, result', 'modelexport_builds_total{stage="engine"}'),
            legend: '{{device_class}} {{result}}',
          },
        ],
      },
    ],
  },
  {
    title: 'How long it takes',
    panels: [
      {
        title: 'Time to Ready',
        kind: 'timeseries',
        unit: 's',
        queries: [
          quantile('modelexport_time_to_ready_seconds', ['kind'], 0.5),
          quantile('modelexport_time_to_ready_seconds', ['kind'], 0.9),
        ],
      },
      {
        title: 'Duration of attempts',
        kind: 'timeseries',
        unit: 's',
        queries: [
          quantile('modelexport_stage_duration_seconds', ['stage'], 0.5),
          quantile('modelexport_stage_duration_seconds', ['stage'], 0.9),
        ],
      },
      {
        title: 'Wait until the pod starts',
        kind: 'timeseries',
        unit: 's',
        queries: [quantile('modelexport_queue_wait_seconds', ['stage', 'device_class'], 0.9)],
      },
      {
        title: 'Calibration images per second',
        kind: 'timeseries',
        unit: 'short',
        queries: [quantile('modelexport_calibration_images_per_second', ['architecture'], 0.5)],
      },
    ],
  },
  {
    title: 'What it costs',
    panels: [
      {
        title: 'GPU time of ended attempts',
        kind: 'timeseries',
        unit: 's',
        description: 'Run time times requested GPUs, of the attempts that ended in the interval.',
        queries: [
          {
            expression: eventsOf('device_class', 'modelexport_gpu_seconds_total'),
            legend: '{{device_class}}',
          },
        ],
      },
      {
        title: 'Attempts that found finished work',
        kind: 'timeseries',
        queries: [
          {
            expression: eventsOf('stage', 'modelexport_reused_total'),
            legend: '{{stage}}',
          },
        ],
      },
    ],
  },
  {
    title: 'The operator',
    panels: [
      {
        title: 'Reconciles',
        kind: 'timeseries',
        unit: 'ops',
        queries: [
          {
            expression: `sum by (controller, result) (rate(controller_runtime_reconcile_total{${ourControllers}}[$__rate_interval]))`,
            legend: '{{controller}} {{result}}',
          },
        ],
      },
      {
        title: 'Queue depth',
        kind: 'timeseries',
        queries: [
          {
            expression: `sum by (controller) (workqueue_depth{${ourControllers}})`,
            legend: '{{controller}}',
          },
        ],
      },
      {
        title: 'Age of the caches',
        kind: 'timeseries',
        unit: 's',
        queries: [
          {
            expression: 'max by (resource) (modelexport_informer_last_event_age_seconds)',
            legend: '{{resource}}',
          },
        ],
      },
      {
        title: 'Memory',
        kind: 'timeseries',
        unit: 'bytes',
        queries: [
          {
            expression:
              'process_resident_memory_bytes * on (instance) group_left (version) modelexport_build_info',
            legend: '{{instance}} {{version}}',
          },
        ],
      },
    ],
  },
];
