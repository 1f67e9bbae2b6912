/** A large cluster: what a thousand nodes take in the cache. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { type NodeFacts, projectNode } from '../../src/cluster/deviceclass/node.ts';
import { Store } from '../../src/cluster/runtime/store.ts';
import { a10Labels, aRawNode } from '../builders/nodes.ts';

/** As the GPU operator, node feature discovery and a kubelet leave one: about 13 kB. */
const aNodeOfRealSize = (i: number): string => {
  const numbered = (count: number, name: string, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, k) => [`${name}${k}`, value]));
  const node = aRawNode(`gpu-node-${i}`, {
    labels: {
      ...a10Labels,
      ...numbered(60, 'feature.node.kubernetes.io/cpu-cpuid.FEATURE', 'true'),
      ...numbered(40, 'nvidia.com/gpu.deploy.component-', 'pre-installed'),
    },
    allocatable: { 'nvidia.com/gpu': '1' },
  });
  const images = Array.from({ length: 30 }, (_, k) => ({
    names: [`registry.example.com/team/image-${k}@sha256:${'0'.repeat(64)}`],
    sizeBytes: 1_000_000,
  }));
  const metadata = {
    ...node.metadata,
    annotations: numbered(30, 'node.example.com/annotation-', 'v'.repeat(60)),
  };
  return JSON.stringify({ ...node, metadata, status: { ...node.status, images } });
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapBytes = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

test('a thousand nodes of 13 kB take less than 10 MiB of memory', (t) => {
  t.true(aNodeOfRealSize(0).length > 13_000, `a node has ${aNodeOfRealSize(0).length} bytes`);
  const nodes = new Store<NodeFacts>();
  const before = heapBytes();
  for (let i = 0; i < 1000; i++) nodes.set(projectNode(JSON.parse(aNodeOfRealSize(i))));
  const each = (heapBytes() - before) / 1000;
  t.is(nodes.size, 1000);
  t.true(each < 10 * 1024, `${each.toFixed(0)} bytes a node`);
  t.log(`${each.toFixed(0)} bytes a node`);
});
