/** A change of a node enqueues only affected classes, and exports only if a class becomes available or unavailable. */
import test from 'ava';
import { Registry } from 'prom-client';
import type { ExportDeviceClass } from '../../src/cluster/api/export-device-class.ts';
import { Membership } from '../../src/cluster/deviceclass/membership.ts';
import type { NodeFacts } from '../../src/cluster/deviceclass/node.ts';
import { modelExportCacheOptions } from '../../src/cluster/modelexport/caches.ts';
import type { ModelExportStores } from '../../src/cluster/modelexport/observe.ts';
import { makeWatches } from '../../src/cluster/modelexport/watches.ts';
import { WorkQueue } from '../../src/cluster/runtime/queue.ts';
import { Store } from '../../src/cluster/runtime/store.ts';
import { queueMetrics } from '../../src/ground/observability/metrics.ts';
import { HandClock } from '../base/hand-clock.ts';
import { a10Labels, aGpuNode, t4Labels } from '../builders/nodes.ts';
import { aDeviceClass, aModelExport } from '../builders/objects.ts';

const aWorld = (nodeCount: number) => {
  const classes = new Store<ExportDeviceClass>();
  const nodes = new Store<NodeFacts>();
  const ampere = aDeviceClass('ampere', { hardware: { computeCapability: '8.6' } });
  const turing = aDeviceClass('turing', { hardware: { computeCapability: '7.5' } });
  for (const each of [ampere, turing]) classes.set(each);
  for (let i = 0; i < nodeCount; i++) nodes.set(aGpuNode(`node-${i}`, i % 2 === 0 ? a10Labels : t4Labels));
  const membership = new Membership(classes, nodes);
  for (const name of ['ampere', 'turing']) membership.count(name);
  const change = (after: NodeFacts | undefined, name = after!.metadata.name) => {
    const before = nodes.get(name);
    if (after) nodes.set(after);
    else nodes.remove(name);
    return membership.nodeChanged(before, after);
  };
  return { classes, nodes, membership, change };
};

test('the number of matching nodes per class follows the nodes', (t) => {
  const { membership, change } = aWorld(10);
  t.is(membership.count('ampere'), 5);
  t.deepEqual(change(aGpuNode('node-10', a10Labels)), [
    { name: 'ampere', availability: false },
    { name: 'turing', availability: false },
  ]);
  t.is(membership.count('ampere'), 6);
  change(undefined, 'node-0');
  t.is(membership.count('ampere'), 5);
  t.is(membership.count('absent'), 0);
});

test('deleting the last node of a class changes its availability', (t) => {
  const { membership, change } = aWorld(1);
  t.deepEqual(
    change(aGpuNode('node-0', a10Labels, { unschedulable: true })).filter(({ availability }) => availability),
    [{ name: 'ampere', availability: true }],
  );
  t.is(membership.count('ampere'), 0);
});

test('a changed class, or another one of the same name, is evaluated again', (t) => {
  const { classes, membership } = aWorld(10);
  const other = aDeviceClass('ampere', { hardware: { computeCapability: '9.0' } });
  classes.set({ ...other, metadata: { ...other.metadata, generation: 2 } });
  t.is(membership.count('ampere'), 0);
});

test('10,000 label changes that affect no class enqueue neither classes nor exports', async (t) => {
  const { change } = aWorld(1000);
  const clock = new HandClock();
  const queue = new WorkQueue({
    name: 'test',
    clock,
    random: () => 0.5,
    metrics: queueMetrics(new Registry()),
  });
  const modelExports = new Store(modelExportCacheOptions({ namespace: undefined }, () => {}).indexes);
  modelExports.set(aModelExport());
  const watches = makeWatches(() => ({ modelExports }) as unknown as ModelExportStores, queue);
  const wake = (concerned: ReturnType<typeof change>) => {
    for (const { name, availability } of concerned) if (availability) watches.availabilityChanged(name);
    return concerned.length;
  };
  let classesWoken = 0;
  for (let i = 0; i < 10_000; i++) {
    const labels = { ...(i % 2 === 0 ? a10Labels : t4Labels), 'example.com/rack': String(i) };
    classesWoken += wake(change(aGpuNode(`node-${i % 1000}`, labels)));
  }
  await clock.pass(60_000);
  t.is(classesWoken, 0);
  t.is(queue.depth, 0);
  for (let i = 0; i < 1000; i += 2) wake(change(undefined, `node-${i}`));
  await clock.pass(60_000);
  t.is(queue.depth, 1, 'the last node of a class of its goes');
});

test('a new status of a class enqueues no export, a new spec does', (t) => {
  const queue = new WorkQueue({
    name: 'test',
    clock: new HandClock(),
    random: () => 0.5,
    metrics: queueMetrics(new Registry()),
  });
  const modelExports = new Store(modelExportCacheOptions({ namespace: undefined }, () => {}).indexes);
  modelExports.set(aModelExport());
  const { deviceClassChanged } = makeWatches(() => ({ modelExports }) as unknown as ModelExportStores, queue);
  const before = aDeviceClass('ampere');
  const changed = (metadata: object) => ({ ...before, metadata: { ...before.metadata, ...metadata } });
  deviceClassChanged({ before, after: changed({ resourceVersion: '2' }), initial: false });
  t.is(queue.depth, 0);
  deviceClassChanged({ before, after: changed({ generation: 2 }), initial: false });
  t.is(queue.depth, 1);
});
