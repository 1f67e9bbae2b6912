/** kill -9 after every single write of an export's life: the end is the same, and no Job is made twice. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { Registry } from 'prom-client';
import type { ModelExportStatus } from '../../src/api/model-export.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Result } from '../../src/contract/result.ts';
import { modelExportResource } from '../../src/modelexport/caches.ts';
import { restMetrics } from '../../src/observability/metrics.ts';
import { jobResources } from '../../src/ownedjobs/caches.ts';
import { type KubeClient, makeClient } from '../../src/runtime/client.ts';
import { openConnection } from '../../src/runtime/connection.ts';
import { anEngineBuilt, anExported, aSpec } from '../builders/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { eventually, run } from '../cluster/run.ts';
import { type FaultProxy, startFaultProxy } from '../runtime/fault-proxy.ts';

const root = join(import.meta.dirname, '..', '..');
const operator = join(root, 'src', 'operator.ts');
let plane: ControlPlane;
let client: KubeClient;
const stopped = new AbortController();
const forEver = stopped.signal;
/** The kubelets' part, played by the test: pods of Jobs end well as soon as they are there. */
let kubelets: NodeJS.Timeout | undefined;

test.before(async () => {
  plane = await startControlPlane({ controllerManager: true });
  client = makeClient({
    connection: openConnection(plane.kubeconfig),
    clock: systemClock,
    metrics: restMetrics(new Registry()),
  });
  const crds = ['modelexports', 'calibrationtensorfiles', 'exportdeviceclasses'].flatMap((name) => [
    '-f',
    join(root, 'crds', `${name}.export.tlt.dev.yaml`),
  ]);
  await plane.kubectl(['apply', '--server-side', ...crds]);
  await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  for (const [name, engine] of [
    ['ampere', { backend: 'TensorRtRtx', computeCapability: '8.6' }],
    ['cpu', { backend: 'OnnxRuntime' }],
  ] as const)
    await apply({ kind: 'ExportDeviceClass', metadata: { name }, spec: { engine, allowPending: true } });
  playKubelets();
  // Only a process that ends by itself leaves what it compiled to the next: those below are killed.
  await run('node', [operator, '--help']);
});

test.after.always(async () => {
  clearTimeout(kubelets);
  stopped.abort();
  await plane?.stop();
});

const apply = (object: object): Promise<string> =>
  plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'export.tlt.dev/v1beta1', ...object }));

const playKubelets = (): void => {
  if (stopped.signal.aborted) return;
  kubelets = setTimeout(() => {
    endPods()
      .catch(() => {}) // A pod may be gone by now.
      .finally(playKubelets);
  }, 200);
};

type Pod = {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Record<string, string>;
  };
  readonly status: { readonly phase: string };
};

const endPods = async (): Promise<void> => {
  const { items } = (await client.list(jobResources.pods, {}, forEver)) as { items: Pod[] };
  for (const pod of items.filter(({ status }) => status.phase === 'Pending')) await endPod(pod);
};

const endPod = async ({ metadata }: Pod): Promise<void> => {
  const stage = metadata.labels['export.tlt.dev/stage'];
  const result: Result =
    stage === 'export' ? anExported() : anEngineBuilt(metadata.labels['export.tlt.dev/device-class']!);
  const terminated = { exitCode: 0, reason: 'Completed', message: JSON.stringify(result) };
  const container = {
    name: stage === 'export' ? 'export' : 'publish',
    image: 'i',
    imageID: '',
    ready: false,
    restartCount: 0,
  };
  const status = { phase: 'Succeeded', containerStatuses: [{ ...container, state: { terminated } }] };
  const { namespace, name } = metadata;
  await client.mergePatch(jobResources.pods, { namespace, name, subresource: 'status' }, { status }, forEver);
};

const namespaces = { group: '', version: 'v1', plural: 'namespaces' } as const;
const kindOfExport = { apiVersion: 'export.tlt.dev/v1beta1', kind: 'ModelExport' } as const;

type Run = {
  readonly status: ModelExportStatus;
  readonly writes: number;
  readonly jobsMade: readonly string[];
};

/** One export in its own namespace; the operator is killed right after its n-th write there, and started again. */
const killed = async (killAfter: number): Promise<Run> => {
  const namespace = `kill-${killAfter}`;
  const proxy = await startFaultProxy({
    kubeconfig: plane.kubeconfig,
    folder: plane.folder,
    name: namespace,
  });
  const operators: ChildProcess[] = [];
  const jobsMade: string[] = [];
  let writes = 0;
  proxy.onWritten = ({ method, path }, status) => {
    if (!path.includes(`/namespaces/${namespace}/`)) return;
    if (method === 'POST' && path.includes('/jobs') && status === 201) jobsMade.push(path);
    writes++;
    if (writes === killAfter) {
      operators.at(-1)!.kill('SIGKILL');
      proxy.cut();
      operators.push(startOperator(proxy, namespace));
    }
  };
  try {
    await client.create(namespaces, {}, { metadata: { name: namespace } }, forEver);
    operators.push(startOperator(proxy, namespace));
    const demo = { ...kindOfExport, metadata: { name: 'demo' }, spec: aSpec() };
    await client.create(modelExportResource, { namespace }, demo, forEver);
    const status = await eventually(
      `an end after a kill at write ${killAfter}`,
      () => finalStatus(namespace),
      90_000,
    );
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return { status, writes, jobsMade };
  } finally {
    for (const operator of operators) operator.kill('SIGKILL');
    await proxy.close();
  }
};

const startOperator = (proxy: FaultProxy, namespace: string): ChildProcess =>
  spawn(
    process.execPath,
    [operator, '--namespace', namespace, '--metrics-bind', '127.0.0.1:0', '--probe-bind', '127.0.0.1:0'],
    { env: { ...process.env, KUBECONFIG: proxy.kubeconfig }, stdio: 'ignore' },
  );

type FinishedJob = { readonly spec: { readonly ttlSecondsAfterFinished?: number } };

/** Ready, and every finished Job marked to expire: nothing is left to write. */
const finalStatus = async (namespace: string): Promise<ModelExportStatus | undefined> => {
  const { items } = (await client.list(modelExportResource, { namespace }, forEver)) as {
    items: { status?: ModelExportStatus }[];
  };
  const status = items[0]?.status;
  if (status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') return undefined;
  const jobs = ((await client.list(jobResources.jobs, { namespace }, forEver)) as { items: FinishedJob[] })
    .items;
  return jobs.length === 3 && jobs.every(({ spec }) => spec.ttlSecondsAfterFinished !== undefined)
    ? status
    : undefined;
};

/** Without what differs from run to run: times, and how often a look saw which attempt. */
const comparable = ({ conditions, ...status }: ModelExportStatus) => ({
  ...status,
  conditions: conditions!.map(({ lastTransitionTime: _, ...condition }) => condition),
});

test('the operator may be killed after any of its writes', async (t) => {
  t.timeout(240_000);
  const undisturbed = await killed(0);
  t.true(undisturbed.writes >= 8, `${undisturbed.writes} writes make an export`);
  t.is(undisturbed.jobsMade.length, 3);
  const kills = Array.from({ length: undisturbed.writes }, (_, i) => i + 1);
  for (let first = 0; first < kills.length; first += 6) {
    const batch = kills.slice(first, first + 6);
    const ends = await Promise.all(batch.map(killed));
    for (const [i, { status, jobsMade }] of ends.entries()) {
      t.deepEqual(comparable(status), comparable(undisturbed.status), `killed after write ${batch[i]}`);
      t.is(jobsMade.length, 3, `killed after write ${batch[i]}: ${jobsMade.join(', ')}`);
    }
  }
  t.log(`${kills.length} writes, a kill after each`);
});
