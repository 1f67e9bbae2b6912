/** Measures one controller with a number of objects: speed, cost, and requests. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelExport } from '../../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../../src/cluster/ownedjobs/caches.ts';
import type { JobObject } from '../../../src/cluster/ownedjobs/kube-shapes.ts';
import { eventually } from '../../cluster/run.ts';
import {
  type BenchCluster,
  classes,
  createExport,
  followIn,
  namespace,
  startBenchCluster,
} from './bench-cluster.ts';
import { type MeasuredController, type Templates, usageOf } from './measured-controllers.ts';

export type Load = {
  readonly objects: number;
  /** Objects per second. Default: all at once. */
  readonly rate?: number;
};

export type Measured = {
  readonly title: string;
  readonly jobsPerSecond: number;
  readonly processorMsPerObject: number;
  /** Processor milliseconds per object of each program of the control plane, which the requests and watches of all cause. */
  readonly planeMsPerObject: Readonly<Record<string, number>>;
  readonly mebibytes: number;
  /** `verb kind` → requests per object. */
  readonly writes: Readonly<Record<string, number>>;
  readonly firstStatusMs: readonly number[];
  readonly readyMs: readonly number[];
};

export const jobsPerObject = classes.length + 1;
const inParallel = 16;
const limitMs = 900_000;

/** `look` reads results before the control plane stops. */
export const measure = async <T>(
  { title, start }: MeasuredController,
  load: Load,
  look: (cluster: BenchCluster) => Promise<T>,
): Promise<{ readonly measured: Measured; readonly seen: T }> => {
  const cluster = await startBenchCluster();
  try {
    const child = await start(cluster);
    await sleep(4000); // Its caches are filled by then.
    const before = usageOf(child.pid!);
    const planeBefore = planeSeconds(cluster);
    const written = linesOf(cluster.plane.auditLog).length;
    const times = await runLoad(cluster, load);
    const after = usageOf(child.pid!);
    const planeAfter = planeSeconds(cluster);
    await sleep(1000);
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    const measured = {
      title,
      jobsPerSecond: (load.objects * jobsPerObject) / times.seconds,
      processorMsPerObject: ((after.seconds - before.seconds) * 1000) / load.objects,
      planeMsPerObject: Object.fromEntries(
        Object.entries(planeAfter).map(([name, seconds]) => [
          name,
          ((seconds - planeBefore[name]!) * 1000) / load.objects,
        ]),
      ),
      mebibytes: after.mebibytes,
      writes: writesOf(linesOf(cluster.plane.auditLog).slice(written), load.objects),
      ...times,
    };
    return { measured, seen: await look(cluster) };
  } finally {
    await cluster.stop();
  }
};

type Times = { readonly seconds: number; readonly firstStatusMs: number[]; readonly readyMs: number[] };

const runLoad = async (cluster: BenchCluster, { objects, rate }: Load): Promise<Times> => {
  const created = new Map<string, number>();
  const first = new Map<string, number>();
  const ready = new Map<string, number>();
  const cache = followIn<ModelExport>(cluster, {
    resource: modelExportResource,
    namespace,
    project: (raw) => raw as ModelExport,
    onChange: ({ after }) => {
      if (!after?.status) return;
      const { name } = after.metadata;
      const { conditions, observedGeneration = -1 } = after.status;
      const since = () => performance.now() - created.get(name)!;
      if (observedGeneration >= 0 && !first.has(name)) first.set(name, since());
      const isReady = conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
      if (isReady && !ready.has(name)) ready.set(name, since());
    },
  });
  await eventually('the first list', async () => cache.synced || undefined);
  const started = performance.now();
  const names = Array.from({ length: objects }, (_, i) => `export-${i}`);
  await createInTurn(names, rate, async (name) => {
    created.set(name, performance.now());
    await createExport(cluster, name);
  });
  await eventually('every object to be Ready', async () => ready.size === objects || undefined, limitMs);
  return {
    seconds: (performance.now() - started) / 1000,
    firstStatusMs: [...first.values()],
    readyMs: [...ready.values()],
  };
};

/** Creates objects with this concurrency, or at this rate. */
const createInTurn = async (
  names: readonly string[],
  rate: number | undefined,
  make: (name: string) => Promise<void>,
): Promise<void> => {
  const queue = [...names];
  const lane = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      if (rate !== undefined) await sleep(1000 / rate);
      await make(name);
    }
  };
  await Promise.all(Array.from({ length: rate === undefined ? inParallel : 1 }, lane));
};

type AuditLine = {
  readonly verb: string;
  readonly objectRef?: { readonly resource: string; readonly subresource?: string };
};

const planeSeconds = ({ plane }: BenchCluster): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(plane.pids).map(([name, pid]) => [name, usageOf(pid).seconds]));

const linesOf = (path: string): readonly string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');

const writesOf = (lines: readonly string[], objects: number): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const { verb, objectRef } = JSON.parse(line) as AuditLine;
    const kind = [objectRef?.resource, objectRef?.subresource].filter(Boolean).join('/');
    counts[`${verb} ${kind}`] = (counts[`${verb} ${kind}`] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, count / objects]));
};

/** Measures the limit of the control plane: a client alone creates the same Jobs, until all are complete. */
export const measureLimit = async (templates: Templates, { objects }: Load): Promise<number> => {
  const cluster = await startBenchCluster();
  try {
    let complete = 0;
    const cache = followIn<JobObject>(cluster, {
      resource: jobResources.jobs,
      namespace,
      project: (raw) => raw as JobObject,
      onChange: ({ before, after }) => {
        if (isComplete(after) && !isComplete(before)) complete++;
      },
    });
    await eventually('the first list', async () => cache.synced || undefined);
    const started = performance.now();
    const names = Array.from({ length: objects * jobsPerObject }, (_, i) => `job-${i}`);
    await createInTurn(names, undefined, async (name) => {
      const deviceClass = classes[Number(name.slice(4)) % jobsPerObject];
      const template = deviceClass === undefined ? templates.export : templates.engine;
      const job = { ...template, metadata: { ...(template as { metadata: object }).metadata, name } };
      await cluster.client.create(jobResources.jobs, { namespace }, job, cluster.signal);
    });
    await eventually('every Job to be complete', async () => complete === names.length || undefined, limitMs);
    return names.length / ((performance.now() - started) / 1000);
  } finally {
    await cluster.stop();
  }
};

const isComplete = (job: JobObject | undefined): boolean =>
  job?.status?.conditions?.some(({ type, status }) => type === 'Complete' && status === 'True') ?? false;
