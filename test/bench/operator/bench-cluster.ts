/** The cluster of the operator benchmarks: a real control plane without client limits, and nodes that finish pods at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { modelExportResource } from '../../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../../src/cluster/ownedjobs/caches.ts';
import type { PodObject } from '../../../src/cluster/ownedjobs/kube-shapes.ts';
import type { KubeClient } from '../../../src/cluster/runtime/client.ts';
import { Informer, type InformerOptions } from '../../../src/cluster/runtime/informer.ts';
import type { NamedObject } from '../../../src/cluster/runtime/store.ts';
import { systemClock } from '../../../src/ground/base/clock.ts';
import type { Log } from '../../../src/ground/observability/log.ts';
import { informerMetrics } from '../../../src/ground/observability/metrics.ts';
import { aClientOf } from '../../builders/client.ts';
import { anEngineBuilt, anExported, aSpec } from '../../builders/objects.ts';
import { aSucceededPod } from '../../builders/pods.ts';
import { type ControlPlane, startControlPlane } from '../../cluster/control-plane.ts';
import { installCrds } from '../../cluster/crds.ts';

export const classes = ['ada', 'ampere', 'cpu'] as const;
export const namespace = 'default';
/** The user in the kubeconfig of the controller under test, whose requests are counted. */
export const measuredUser = 'controller-under-test';

export type BenchCluster = {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  stop(): Promise<void>;
};

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: console.error };

/** Aborted when the cluster stops. */
export const followIn = <T extends NamedObject>(
  { client, signal }: Pick<BenchCluster, 'client' | 'signal'>,
  options: InformerOptions<T>,
): Informer<T> => {
  const metrics = informerMetrics(new Registry());
  const informer = new Informer(options, {
    client,
    clock: systemClock,
    random: Math.random,
    metrics,
    log: silent,
  });
  void informer.run(signal);
  return informer;
};

export const startBenchCluster = async (): Promise<BenchCluster> => {
  const plane = await startControlPlane({
    controllerManager: true,
    scheduler: true,
    unthrottled: true,
    users: [measuredUser],
    audit: [measuredUser],
  });
  const over = new AbortController();
  const cluster = { plane, client: aClientOf(plane.kubeconfig), signal: over.signal };
  await installCrds(plane);
  for (const name of classes) await plane.kubectl(['apply', '-f', '-'], JSON.stringify(aClass(name)));
  for (let i = 0; i < nodes; i++) await addNode(cluster, `node-${i}`);
  for (const claim of claimsOf(aModelExport('any'))) await addClaim(cluster, claim);
  await plane.kubectl(['wait', '--for=jsonpath={.status.phase}=Bound', 'pvc', '--all', '--timeout=60s']);
  void heartbeats(cluster).catch(() => {}); // Ends with the cluster.
  finishPods(cluster);
  return {
    ...cluster,
    stop: async () => {
      over.abort(new Error('the cluster ends'));
      await plane.stop();
    },
  };
};

const aClass = (name: string): object => {
  const engine =
    name === 'cpu' ? { backend: 'OnnxRuntime' } : { backend: 'TensorRtRtx', computeCapability: '8.6' };
  return {
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ExportDeviceClass',
    metadata: { name },
    spec: { engine },
  };
};

export const aModelExport = (name: string): object => ({
  apiVersion: 'export.tlt.dev/v1beta1',
  kind: 'ModelExport',
  metadata: { name },
  spec: {
    ...aSpec(),
    // Each its own: exports that share a folder are twins, and work one after the other.
    output: { uri: `pvc://exports/${name}` },
    deviceClasses: classes.map((each) => ({ name: each })),
  },
});

export const createExport = ({ client, signal }: BenchCluster, name: string): Promise<unknown> =>
  client.create(modelExportResource, { namespace }, aModelExport(name), signal);

const nodes = 4;
const nodeResource = { group: '', version: 'v1', plural: 'nodes' } as const;
const leaseResource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' } as const;
const plenty = { cpu: '100000', memory: '1000Ti', 'ephemeral-storage': '1000Ti', pods: '100000' } as const;

const claimsOf = (object: object): ReadonlySet<string> =>
  new Set([...JSON.stringify(object).matchAll(/pvc:\/\/([^/"]+)/g)].map(([, claim]) => claim!));

const claimResource = { group: '', version: 'v1', plural: 'persistentvolumeclaims' } as const;
const volumeResource = { group: '', version: 'v1', plural: 'persistentvolumes' } as const;

/** The claims are bound, so that the scheduler assigns the pods to nodes. */
const addClaim = async ({ client, signal }: Asking, name: string): Promise<void> => {
  const shared = { accessModes: ['ReadWriteMany'], storageClassName: '' };
  const size = { storage: '1Gi' };
  const volume = { ...shared, capacity: size, hostPath: { path: '/tmp' }, claimRef: { namespace, name } };
  const claim = { ...shared, resources: { requests: size }, volumeName: name };
  await client.create(volumeResource, {}, { metadata: { name }, spec: volume }, signal);
  await client.create(claimResource, { namespace }, { metadata: { name, namespace }, spec: claim }, signal);
};

type Asking = Pick<BenchCluster, 'client' | 'signal'>;

const addNode = async ({ client, signal }: Asking, name: string): Promise<void> => {
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
  };
  await client.create(nodeResource, {}, { metadata: { name, labels } }, signal);
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ready' };
  const status = { conditions: [ready], capacity: plenty, allocatable: plenty };
  await client.mergePatch(nodeResource, { name, subresource: 'status' }, { status }, signal);
  await client.mergePatch(nodeResource, { name }, { spec: { taints: null } }, signal);
  await client.create(leaseResource, { namespace: 'kube-node-lease' }, leaseOf(name), signal);
};

const leaseOf = (name: string): object => ({
  metadata: { name },
  spec: {
    holderIdentity: name,
    leaseDurationSeconds: 40,
    renewTime: new Date().toISOString().replace('Z', '000Z'),
  },
});

/** Without heartbeats the node controller would consider the nodes lost after 40 s. */
const heartbeats = async ({ client, signal }: Asking): Promise<void> => {
  for (;;) {
    await sleep(10_000, undefined, { signal });
    for (let i = 0; i < nodes; i++) {
      const name = `node-${i}`;
      await client.mergePatch(leaseResource, { namespace: 'kube-node-lease', name }, leaseOf(name), signal);
    }
  }
};

/** Acts as the kubelets: an assigned pod succeeds with the result of its kind. */
const finishPods = (cluster: Asking): void => {
  const finished = new Set<string>();
  followIn<PodObject>(cluster, {
    resource: jobResources.pods,
    project: (raw) => {
      const { metadata, spec } = raw as PodObject;
      const { name, namespace: where, uid, labels } = metadata;
      return {
        metadata: { name, namespace: where, uid, ...(labels && { labels }) },
        spec: { ...(spec?.nodeName && { nodeName: spec.nodeName }) },
      };
    },
    onChange: ({ after }) => {
      if (after?.spec?.nodeName === undefined || finished.has(after.metadata.uid)) return;
      finished.add(after.metadata.uid);
      void finish(cluster, after).catch(() => {}); // The pod may have been deleted.
    },
  });
};

const finish = async ({ client, signal }: Asking, { metadata }: PodObject): Promise<void> => {
  const deviceClass = metadata.labels?.['export.tlt.dev/device-class'];
  const status =
    deviceClass === undefined
      ? aSucceededPod('export', anExported())
      : aSucceededPod('publish', anEngineBuilt());
  const at = { namespace: metadata.namespace, name: metadata.name, subresource: 'status' };
  await client.mergePatch(jobResources.pods, at, { status }, signal);
};
