/** Metrics of exports: what attempts came to, and the state of the objects. Label sets are closed. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** From seconds to half a day: a calibration of thousands of images, or a queue over night. */
const longBuckets = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200];

export type AttemptMetrics = ReturnType<typeof attemptMetrics>;
/** Counted when status has recorded the end of an attempt, so once, whichever replica leads. */
export const attemptMetrics = (registry: Registry) => ({
  builds: new Counter({
    name: 'modelexport_builds_total',
    help: 'Attempts that ended, by stage (calibration, export, engine, tensorfile), device class, result (succeeded, failed) and reason.',
    labelNames: ['stage', 'device_class', 'result', 'reason'],
    registers: [registry],
  }),
  reused: new Counter({
    name: 'modelexport_reused_total',
    help: 'Attempts that found finished work of the same content and did nothing again, by stage and device class.',
    labelNames: ['stage', 'device_class'],
    registers: [registry],
  }),
  stageSeconds: new Histogram({
    name: 'modelexport_stage_duration_seconds',
    help: 'Seconds that the pod of an attempt ran, by stage, device class and result.',
    labelNames: ['stage', 'device_class', 'result'],
    buckets: longBuckets,
    registers: [registry],
  }),
  waitSeconds: new Histogram({
    name: 'modelexport_queue_wait_seconds',
    help: 'Seconds from the creation of a Job until its pod started, by stage and device class.',
    labelNames: ['stage', 'device_class'],
    buckets: longBuckets,
    registers: [registry],
  }),
  calibrationRate: new Histogram({
    name: 'modelexport_calibration_images_per_second',
    help: 'Calibration images per second of a pass over them, as its pod measured it, by architecture.',
    labelNames: ['architecture'],
    buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000],
    registers: [registry],
  }),
  gpuSeconds: new Counter({
    name: 'modelexport_gpu_seconds_total',
    help: 'Seconds that pods of a device class ran, times the GPUs that they requested.',
    labelNames: ['device_class'],
    registers: [registry],
  }),
  readySeconds: new Histogram({
    name: 'modelexport_time_to_ready_seconds',
    help: 'Seconds from when an object was first seen, or stopped being Ready, until it became Ready, by kind.',
    labelNames: ['kind'],
    buckets: longBuckets,
    registers: [registry],
  }),
});

/** One object as the metrics show it. */
export type ObjectState = {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Empty before the operator has seen the object. */
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
};

/** Engines of one device class in one state. */
export type EngineCount = { readonly deviceClass: string; readonly reason: string; readonly count: number };
export type ClassState = { readonly deviceClass: string; readonly backend: string; readonly nodes: number };

/** The caches at the time of a scrape. */
export type StateSource = {
  readonly objects: () => readonly ObjectState[];
  readonly engines: () => readonly EngineCount[];
  readonly classes: () => readonly ClassState[];
};

export type StateOptions = {
  /** Whether each object gets series of its own; large clusters turn them off. */
  readonly perObject: boolean;
};

type GaugeOptions<L extends string> = {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
};

/** Computes its values at each scrape. */
const addGauge = <L extends string>(
  registry: Registry,
  { name, help, labels }: GaugeOptions<L>,
  collect: (set: (labels: Record<L, string>, value: number) => void) => void,
) =>
  new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      collect((values, value) => this.set(values as never, value));
    },
  });

const objects = {
  name: 'modelexport_objects',
  help: 'Objects, by kind, namespace and reason of the Ready condition.',
  labels: ['kind', 'namespace', 'reason'],
} as const;

const engines = {
  name: 'modelexport_engines',
  help: 'Engines, by device class and reason of the Built condition.',
  labels: ['device_class', 'reason'],
} as const;

const nodesOfClasses = {
  name: 'modelexport_device_class_nodes',
  help: 'Ready nodes that match a device class.',
  labels: ['device_class', 'backend'],
} as const;

const conditionsOfObjects = {
  name: 'modelexport_condition',
  help: '1 for the status that each condition of each object has, with its reason.',
  labels: ['kind', 'namespace', 'name', 'condition', 'status', 'reason'],
} as const;

/** Computed at each scrape from the caches: a deleted object leaves no series. */
export const stateMetrics = (registry: Registry, source: StateSource, { perObject }: StateOptions): void => {
  addGauge(registry, objects, (set) => {
    for (const [labels, count] of countObjects(source.objects())) set(labels, count);
  });
  addGauge(registry, engines, (set) => {
    for (const { deviceClass, reason, count } of source.engines())
      set({ device_class: deviceClass, reason }, count);
  });
  addGauge(registry, nodesOfClasses, (set) => {
    for (const { deviceClass, backend, nodes } of source.classes())
      set({ device_class: deviceClass, backend }, nodes);
  });
  if (!perObject) return;
  addGauge(registry, conditionsOfObjects, (set) => {
    for (const { kind, namespace, name, conditions } of source.objects())
      for (const { type: condition, status, reason } of conditions)
        set({ kind, namespace, name, condition, status, reason }, 1);
  });
};

type ObjectLabels = { readonly kind: string; readonly namespace: string; readonly reason: string };

const countObjects = (objects: readonly ObjectState[]): readonly (readonly [ObjectLabels, number])[] => {
  const counts = new Map<string, [ObjectLabels, number]>();
  for (const { kind, namespace, conditions } of objects) {
    const reason = conditions.find(({ type }) => type === 'Ready')?.reason ?? 'Unseen';
    const entry = counts.get(`${kind}/${namespace}/${reason}`);
    if (entry) entry[1]++;
    else counts.set(`${kind}/${namespace}/${reason}`, [{ kind, namespace, reason }, 1]);
  }
  return [...counts.values()];
};

/** Constant 1, with the versions of the program. */
export const buildInfo = (
  registry: Registry,
  labels: Readonly<Record<'version' | 'node_version', string>>,
): void => {
  new Gauge({
    name: 'modelexport_build_info',
    help: 'Always 1; the version of the operator and of Node.js.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set(labels, 1);
};
