/**
 * kill -9 after each write of an export, and a cache of pods that shows nothing: the result is the same, and no Job is created
 * twice.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import type { ModelExport, ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { resultGraceMs } from '../../src/cluster/ownedjobs/artifact.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import { aClientOf } from '../builders/client.ts';
import { aSpec } from '../builders/objects.ts';
import { runOperator } from '../builders/operator.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { untilEstablished } from '../cluster/crds.ts';
import { tied } from '../cluster/outlived.ts';
import { eventually, run } from '../cluster/run.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../runtime/fault-proxy.ts';
import { type Followed, follow } from './followed.ts';

const root = join(import.meta.dirname, '..', '..');
const operator = join(root, 'src', 'operator.ts');
let plane: ControlPlane;
let client: KubeClient;
let followed: Followed;
const stopped = new AbortController();
const forEver = stopped.signal;

test.before(async () => {
  plane = await startControlPlane({ controllerManager: true });
  client = aClientOf(plane.kubeconfig);
  const crds = ['modelexports', 'calibrationtensorfiles', 'exportdeviceclasses'].flatMap((name) => [
    '-f',
    join(root, 'crds', `${name}.export.tlt.dev.yaml`),
  ]);
  await plane.kubectl(['apply', '--server-side', ...crds]);
  await untilEstablished(plane);
  for (const [name, engine] of [
    ['ampere', { backend: 'TensorRtRtx', computeCapability: '8.6' }],
    ['cpu', { backend: 'OnnxRuntime' }],
  ] as const)
    await apply({ kind: 'ExportDeviceClass', metadata: { name }, spec: { engine, allowPending: true } });
  followed = follow(client, forEver);
  // Only a process that exits by itself stores its compile cache for the next one; those below are killed.
  await run('node', [operator, '--help']);
});

test.after.always(async () => {
  stopped.abort(new Error('the test is over'));
  await plane?.stop();
});

const apply = (object: object): Promise<string> =>
  plane.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'export.tlt.dev/v1beta1', ...object }));

const namespaces = { group: '', version: 'v1', plural: 'namespaces' } as const;
const kindOfExport = { apiVersion: 'export.tlt.dev/v1beta1', kind: 'ModelExport' } as const;

type Run = {
  readonly status: ModelExportStatus;
  readonly writes: number;
  readonly jobsMade: readonly string[];
};

/** A namespace with its own operator, and one export after the other. */
type Lane = {
  /** Creates an export; the operator is killed after its n-th write for it, and started again. */
  readonly killed: (killAfter: number) => Promise<Run>;
  readonly close: () => Promise<void>;
};

const openLane = async (namespace: string): Promise<Lane> => {
  const { kubeconfig, folder } = plane;
  const proxy = await startFaultProxy({ kubeconfig, folder, name: namespace });
  await client.create(namespaces, {}, { metadata: { name: namespace } }, forEver);
  let running = startOperator(proxy, namespace);
  const killed = async (killAfter: number): Promise<Run> => {
    const name = `killed-after-${killAfter}`;
    const jobsMade: string[] = [];
    let writes = 0;
    proxy.onWritten = ({ method, path }, status) => {
      if (!path.includes(`/namespaces/${namespace}/`)) return;
      if (method === 'POST' && path.includes('/jobs') && status === 201) jobsMade.push(path);
      writes++;
      if (writes !== killAfter) return;
      running.kill('SIGKILL');
      proxy.cut();
      running = startOperator(proxy, namespace);
    };
    const object = { ...kindOfExport, metadata: { name }, spec: aSpec() };
    await client.create(modelExportResource, { namespace }, object, forEver);
    await eventually(`the end of ${name}`, async () => isOver(namespace, name) || undefined, 90_000);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const { status } = (await client.read(modelExportResource, { namespace, name }, forEver)) as ModelExport;
    return { status: status!, writes, jobsMade };
  };
  const close = async (): Promise<void> => {
    running.kill('SIGKILL');
    await proxy.close();
  };
  return { killed, close };
};

/** Time in which a superfluous Job would be created. */
const settleMs = 1500;

const startOperator = (proxy: FaultProxy, namespace: string): ChildProcess =>
  tied(
    spawn(
      process.execPath,
      [operator, '--namespace', namespace, '--metrics-bind', '127.0.0.1:0', '--probe-bind', '127.0.0.1:0'],
      { env: { ...process.env, KUBECONFIG: proxy.kubeconfig }, stdio: 'ignore' },
    ),
  );

/** Ready, with its three Jobs: nothing is left to write. */
const isOver = (namespace: string, name: string): boolean => {
  const { status } = followed.modelExports.get(`${namespace}/${name}`) ?? {};
  if (status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') return false;
  const jobs = followed.jobs
    .list()
    .filter(({ metadata }) => metadata.namespace === namespace && isOf(name, metadata));
  return jobs.length === 3;
};

const isOf = (name: string, { labels }: { readonly labels?: Readonly<Record<string, string>> }): boolean =>
  labels?.['export.tlt.dev/model-export'] === name;

/** Without times, which differ between runs. */
const comparable = (status: ModelExportStatus): unknown =>
  JSON.parse(JSON.stringify(status), (name, value) =>
    ['lastTransitionTime', 'startedAt', 'finishedAt'].includes(name) ? undefined : value,
  );

const lanes = 4;

test('the operator can be killed after any of its writes', async (t) => {
  t.timeout(240_000);
  const opened: Lane[] = [];
  t.teardown(() => Promise.all(opened.map((lane) => lane.close())));
  for (let lane = 0; lane < lanes; lane++) opened.push(await openLane(`lane-${lane}`));
  const undisturbed = await opened[0]!.killed(0);
  t.true(undisturbed.writes >= 6, `${undisturbed.writes} writes make an export`);
  t.is(undisturbed.jobsMade.length, 3);
  const kills = Array.from({ length: undisturbed.writes }, (_, i) => i + 1);
  let reached = 0;
  const walk = async ({ killed }: Lane, lane: number): Promise<void> => {
    for (const kill of kills.filter((each) => each % lanes === lane)) {
      const { status, writes, jobsMade } = await killed(kill);
      if (writes >= kill) reached++; // the operator joins writes that fall together: one export may end before
      t.deepEqual(comparable(status), comparable(undisturbed.status), `killed after write ${kill}`);
      t.is(jobsMade.length, 3, `killed after write ${kill}: ${jobsMade.join(', ')}`);
    }
  };
  await Promise.all(opened.map(walk));
  t.log(`${undisturbed.writes} writes; of as many exports, ${reached} were killed after one each`);
});

/** A watch of pods that is open and says nothing. */
const silencePods: Fault = ({ url = '' }, response) => {
  if (!/\/pods\?.*watch=true/.test(url)) return 'pass';
  response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  return 'handled';
};

test('a result that the cache of pods does not show is read from the apiserver before it counts as lost', async (t) => {
  t.timeout(120_000);
  const [namespace, name] = ['outdated', 'demo'];
  const proxy = await startFaultProxy({ ...plane, name: namespace });
  proxy.fault = silencePods;
  const stop = new AbortController();
  // By this clock, every Job ended longer ago than a result may be unknown.
  const clock = { ...systemClock, now: () => systemClock.now() + 2 * resultGraceMs };
  const settings = { namespaces: [namespace], clock };
  const running = runOperator(aClientOf(proxy.kubeconfig), stop.signal, settings);
  t.teardown(async () => {
    stop.abort(new Error('the test is over'));
    await running;
    await proxy.close();
  });
  await client.create(namespaces, {}, { metadata: { name: namespace } }, forEver);
  const object = { ...kindOfExport, metadata: { name }, spec: aSpec() };
  await client.create(modelExportResource, { namespace }, object, forEver);
  await eventually('the end of the export', async () => isOver(namespace, name) || undefined, 90_000);
  const { status } = followed.modelExports.get(`${namespace}/${name}`)!;
  for (const artifact of [status!.export!, ...status!.engines!]) {
    t.is(artifact.lastFailure, undefined);
    t.is(artifact.attempts, undefined);
  }
});
