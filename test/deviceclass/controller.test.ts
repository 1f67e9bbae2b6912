/** The device class controller with its real caches and queue, against a real apiserver. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Registry } from 'prom-client';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import {
  deviceClassResource,
  makeDeviceClassController,
  projectDeviceClass,
} from '../../src/cluster/deviceclass/controller.ts';
import { Membership } from '../../src/cluster/deviceclass/membership.ts';
import { type NodeFacts, nodeResource, projectNode } from '../../src/cluster/deviceclass/node.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { runController } from '../../src/cluster/runtime/controller.ts';
import { Informer } from '../../src/cluster/runtime/informer.ts';
import { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { controllerMetrics, informerMetrics, queueMetrics } from '../../src/ground/observability/metrics.ts';
import { aClientOf } from '../builders/client.ts';
import { a10Labels, aRawNode, type RawNodeChanges } from '../builders/nodes.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { eventually } from '../cluster/run.ts';

let plane: ControlPlane;
let client: KubeClient;
const stop = new AbortController();
let running: Promise<unknown>;

test.before(async () => {
  plane = await startControlPlane();
  await installCrds(plane);
  client = aClientOf(plane.kubeconfig);
  running = run(stop.signal);
});
test.after.always(async () => {
  stop.abort(new Error('the test is over'));
  await running;
  await plane?.stop();
});

/** What the controller logged at level info. */
const logged: Record<string, unknown>[] = [];
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };

const run = (signal: AbortSignal): Promise<unknown> => {
  const registry = new Registry();
  const clock = systemClock;
  const random = () => 0.5;
  const deps = { client, clock, random, metrics: informerMetrics(registry), log: silent };
  const queue = new WorkQueue({ name: 'deviceclass', clock, random, metrics: queueMetrics(registry) });
  const classes = new Informer<ExportDeviceClass>(
    {
      resource: deviceClassResource,
      project: projectDeviceClass,
      onChange: (change) => controller.classChanged(change),
    },
    deps,
  );
  const nodes = new Informer<NodeFacts>(
    { resource: nodeResource, project: projectNode, onChange: (change) => controller.nodeChanged(change) },
    deps,
  );
  const controller = makeDeviceClassController({
    client,
    classes: classes.store,
    nodes: nodes.store,
    membership: new Membership(classes.store, nodes.store),
    onAvailability: () => {},
    queue,
    clock,
    log: { ...silent, info: (message, fields) => void logged.push({ message, ...fields }) },
  });
  signal.addEventListener('abort', () => queue.stop());
  const metrics = controllerMetrics(registry);
  const { reconcile } = controller;
  const workers = runController({ queue, workers: 1, reconcile }, { clock, log: silent, metrics }, signal);
  return Promise.all([classes.run(signal), nodes.run(signal), workers]);
};

/** Like `kubectl patch --type=merge`. */
const patchNode = (name: string, patch: object, subresource?: 'status'): Promise<unknown> =>
  client.mergePatch(nodeResource, { name, ...(subresource && { subresource }) }, patch, stop.signal);

const addNode = async (name: string, changes: RawNodeChanges): Promise<void> => {
  const { metadata, status, ...node } = aRawNode(name, changes);
  const { labels } = metadata;
  await client.create(nodeResource, {}, { ...node, metadata: { name, labels } }, stop.signal);
  await patchNode(name, { status: { ...status, capacity: status.allocatable } }, 'status');
  // The apiserver taints a new node as not ready; the node controller, which does not run here, would remove the taint.
  await patchNode(name, { spec: { taints: null } });
};

const read = async (name: string) =>
  (await client.read(deviceClassResource, { name }, stop.signal)) as ExportDeviceClass & {
    readonly metadata: { readonly resourceVersion: string };
  };

const untilNodes = (name: string, count: number): Promise<ExportDeviceClass> =>
  eventually(`${count} nodes of ${name}`, async () => {
    const found = await read(name);
    return found.status?.matchingNodes === count ? found : undefined;
  });

const createClass = (name: string, hardware: object): Promise<unknown> => {
  const spec = { hardware, engine: { backend: 'OnnxRuntime' } };
  const object = {
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ExportDeviceClass',
    metadata: { name },
    spec,
  };
  return client.create(deviceClassResource, {}, object, stop.signal);
};

const patchClass = (name: string, patch: object, subresource?: 'status'): Promise<unknown> =>
  client.mergePatch(deviceClassResource, { name, ...(subresource && { subresource }) }, patch, stop.signal);

test.serial('the status of a class follows nodes that are added and deleted', async (t) => {
  await createClass('ampere', { computeCapability: '8.6' });
  await untilNodes('ampere', 0);
  await addNode('a10-1', { labels: a10Labels });
  const { status } = await untilNodes('ampere', 1);
  t.like(status, { products: ['NVIDIA-A10'], drivers: ['580.82.07'], observedGeneration: 1 });
  await plane.kubectl(['cordon', 'a10-1']);
  await untilNodes('ampere', 0);
  await plane.kubectl(['uncordon', 'a10-1']);
  await untilNodes('ampere', 1);
  await plane.kubectl(['wait', '--for=condition=Ready', 'edc/ampere', '--timeout=5s']);
  const about = { message: 'condition changed', kind: 'ExportDeviceClass', name: 'ampere' };
  for (const line of logged) t.like(line, about);
  t.deepEqual(
    logged
      .filter(({ condition }) => condition === 'HardwareAvailable')
      .map(({ status: now, nodes, reason }) => `${now} ${nodes} ${reason}`),
    ['False 0 NoMatchingNode', 'True 1 NodesMatch', 'False 0 NoMatchingNode', 'True 1 NodesMatch'],
    'a line for each change',
  );
});

test.serial('a changed spec is evaluated again', async (t) => {
  await patchClass('ampere', { spec: { hardware: { computeCapability: '12.0' } } });
  const { status } = await untilNodes('ampere', 0);
  t.is(status!.observedGeneration, 2);
  t.true(status!.conditions!.every(({ observedGeneration }) => observedGeneration === 2));
});

test.serial('discovery times, heartbeats and reserved memory cause no write', async (t) => {
  const before = await read('ampere');
  for (const time of ['1', '2', '3']) {
    await patchNode('a10-1', { metadata: { labels: { 'nvidia.com/gfd.timestamp': time } } });
    await patchNode('a10-1', { status: { allocatable: { memory: `${time}Gi` } } }, 'status');
  }
  await sleep(1500);
  t.is((await read('ampere')).metadata.resourceVersion, before.metadata.resourceVersion);
});

test.serial('a wiped status is restored', async (t) => {
  const before = await read('ampere');
  await patchClass('ampere', { status: null }, 'status');
  const { status } = await untilNodes('ampere', 0);
  const timeless = (object: ExportDeviceClass) =>
    JSON.parse(JSON.stringify(object.status, (key, value) => (key === 'lastTransitionTime' ? '' : value)));
  t.deepEqual(timeless({ ...before, status: status! }), timeless(before));
});
