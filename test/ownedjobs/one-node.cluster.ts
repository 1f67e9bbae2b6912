/**
 * Where a real kube-scheduler puts pods with volumes that one node has at a time. The nodes are objects without kubelets, and the pods
 * have no volumes: placement goes by the label of their claims.
 */
import test from 'ava';
import { makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import type { JobDraft } from '../../src/cluster/jobs/job.ts';
import { placeByVolumes } from '../../src/cluster/ownedjobs/one-node.ts';
import { aModelExport } from '../builders/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { eventually } from '../cluster/run.ts';

const namespace = 'vision';
const core = `/api/v1/namespaces/${namespace}`;
const nodes = ['one', 'two', 'three'];

let plane: ControlPlane;

/** A node with room for all pods. Admission taints new nodes until a controller, which does not run here, finds them ready. */
const addNode = async (name: string): Promise<void> => {
  const labels = { 'kubernetes.io/hostname': name };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } };
  await plane.ask('/api/v1/nodes', { method: 'POST', body: node });
  const status = {
    allocatable: { cpu: '64', memory: '512Gi', pods: '100', 'ephemeral-storage': '1Ti' },
    conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date().toISOString() }],
  };
  await plane.ask(`/api/v1/nodes/${name}/status`, { method: 'PUT', body: { ...node, status } });
  await plane.kubectl(['taint', 'node', name, 'node.kubernetes.io/not-ready-']);
};

test.before(async () => {
  plane = await startControlPlane({ scheduler: true });
  await plane.kubectl(['create', 'namespace', namespace]);
  await plane.kubectl(['create', 'serviceaccount', 'default', '-n', namespace]);
  for (const name of nodes) await addNode(name);
});
test.after.always(() => plane?.stop());

type Template = { readonly metadata: object; readonly spec: object };

/** Creates the pod of a Job without its volumes. */
const createPod = async (name: string, job: JobDraft): Promise<void> => {
  const { metadata, spec } = (job.spec as { readonly template: Template }).template;
  const { containers } = spec as { readonly containers: readonly object[] };
  const bare = containers.map((container) => ({ ...container, volumeMounts: [] }));
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name },
    spec: { ...spec, containers: bare, volumes: [] },
  };
  await plane.ask(`${core}/pods`, { method: 'POST', body });
};

const nodeOf = (pod: string): Promise<string> =>
  eventually(`a node for ${pod}`, async () => {
    const { spec } = JSON.parse(await plane.ask(`${core}/pods/${pod}`)) as {
      readonly spec: { readonly nodeName?: string };
    };
    return spec.nodeName;
  });

const once = () => ({ accessModes: ['ReadWriteOnce'] });
const many = () => ({ accessModes: ['ReadWriteMany'] });
const reversed = {
  model: { uri: 'pvc://exports/m.tlt' },
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: 'pvc://exports/images' },
    batches: 1,
    batchSize: 1,
    algorithm: 'Entropy',
  },
  output: { uri: 'pvc://models/out' },
} as const;

test('pods that share two volumes get one node, and pods that share none are spread', async (t) => {
  const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
  const place = async (prefix: string, find: typeof once): Promise<readonly string[]> => {
    const names = [0, 1, 2, 3].map((n) => `${prefix}-${n}`);
    for (const [n, name] of names.entries()) {
      const owner = aModelExport({ metadata: { name }, spec: n % 2 === 0 ? {} : reversed });
      await createPod(name, placeByVolumes(makeExportJob(owner, images), find));
    }
    return Promise.all(names.map(nodeOf));
  };
  const free = await place('free', many);
  t.true(new Set(free).size > 1, `the scheduler spreads pods by itself: ${free}`);
  const together = await place('together', once);
  t.is(new Set(together).size, 1, `${together}`);
});
