/** Exports in a queue of the real Kueue, on a control plane without kubelets: its quota fits one Job at a time. */
import test from 'ava';
import { labels, ownerLabels } from '../../src/cluster/api/labels.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { anEngineBuilt, anExported, aSpec } from '../builders/objects.ts';
import {
  applyIn,
  type CreatedPod,
  createNamespace,
  listPods,
  reportPod,
} from '../builders/operated-namespace.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { aSucceededPod } from '../builders/pods.ts';
import { eventually } from '../cluster/run.ts';
import { startKueue } from './kueue.ts';

const namespace = 'queued';
const stops: (() => Promise<void>)[] = [];
let operated: OperatedPlane;

const kueue = (kind: string, name: string, spec: object) => ({
  apiVersion: 'kueue.x-k8s.io/v1beta2',
  kind,
  metadata: { name },
  spec,
});
/** Room for one export or engine Job, by what their pods request. */
const oneJob = { cpu: '500m', memory: '1Gi', 'ephemeral-storage': '100Gi' };
const clusterQueue = kueue('ClusterQueue', 'exports', {
  namespaceSelector: {},
  preemption: { withinClusterQueue: 'LowerPriority' },
  resourceGroups: [
    {
      coveredResources: Object.keys(oneJob),
      flavors: [
        {
          name: 'any',
          resources: Object.entries(oneJob).map(([name, nominalQuota]) => ({ name, nominalQuota })),
        },
      ],
    },
  ],
});
const urgent = {
  apiVersion: 'kueue.x-k8s.io/v1beta2',
  kind: 'WorkloadPriorityClass',
  metadata: { name: 'urgent' },
  value: 1000,
};

test.before(async () => {
  operated = await startOperatedPlane(['cpu']);
  stops.push(operated.stop);
  stops.push(await startKueue(operated.plane));
  await createNamespace(operated, namespace);
  for (const object of [kueue('ResourceFlavor', 'any', {}), clusterQueue, urgent])
    await operated.apply(object);
  await applyIn(operated, namespace, kueue('LocalQueue', 'exports', { clusterQueue: 'exports' }));
});
test.after.always(async () => {
  for (const stop of stops.reverse()) await stop();
});

const stages = ['export', 'engine'] as const;
const queue = { [labels.queue]: 'exports' };

const applyExport = (name: string, changes: Partial<ModelExport['spec']> = {}): Promise<string> => {
  const { calibration: _, ...spec } = aSpec({ dataType: 'fp32', deviceClasses: [{ name: 'cpu' }] });
  const jobs = { metadata: { labels: queue } };
  const output = { uri: `pvc://exports/${name}` };
  return operated.apply({
    kind: 'ModelExport',
    metadata: { name, namespace },
    spec: { ...spec, output, jobs, ...changes },
  });
};

const statusOf = async (name: string) =>
  ((await operated.client.read(modelExportResource, { namespace, name }, operated.signal)) as ModelExport)
    .status;

const untilReason = (name: string, reason: string) =>
  eventually(`${name} to say ${reason}`, async () =>
    (await statusOf(name))?.conditions?.find((c) => c.status === 'True' && c.reason === reason),
  );

/** The pod of a stage of an export, once its Job was admitted. */
const podOf = (name: string, stage: string): Promise<CreatedPod> =>
  eventually(`the ${stage} pod of ${name}`, async () =>
    (await listPods(operated, namespace, stage)).find(
      ({ metadata }) => metadata.labels[ownerLabels.ModelExport.name] === name,
    ),
  );

/** Pods that Kueue admitted and that have not ended, of all exports. */
const admittedPods = async (): Promise<readonly CreatedPod[]> => {
  const pods = await Promise.all(stages.map((stage) => listPods(operated, namespace, stage)));
  return pods.flat().filter(({ status }) => status?.phase === 'Pending');
};

const finish = (pod: CreatedPod): Promise<void> => {
  const result =
    pod.metadata.labels[labels.stage] === 'export'
      ? aSucceededPod('export', anExported())
      : aSucceededPod('publish', anEngineBuilt());
  return reportPod(operated, namespace, pod, result);
};

const urgentJob = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'urgent', labels: { ...queue, 'kueue.x-k8s.io/priority-class': 'urgent' } },
  spec: {
    template: {
      spec: {
        restartPolicy: 'Never',
        securityContext: { runAsNonRoot: true, runAsUser: 1, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'urgent',
            image: 'none.invalid/none',
            resources: { requests: { cpu: '500m' } },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    },
  },
};

test.serial(
  'an export is admitted, and one that Kueue preempts waits without a failed attempt',
  async (t) => {
    await applyExport('first');
    const pod = await podOf('first', 'export');
    await applyIn(operated, namespace, urgentJob);
    const { type, message } = await untilReason('first', 'Queued');
    t.is(type, 'Reconciling');
    t.regex(message, /queue/);
    await eventually('the preempted pod to go', async () =>
      (await listPods(operated, namespace, 'export')).length === 0 ? true : undefined,
    );
    await operated.plane.kubectl(['delete', 'job', 'urgent', '-n', namespace]);
    t.not((await podOf('first', 'export')).metadata.name, pod.metadata.name);
    t.is((await statusOf('first'))!.export?.attempts, undefined);
  },
);

test.serial('a second export waits for the quota, which a suspended export gives back', async (t) => {
  await applyExport('second');
  t.is((await untilReason('second', 'Queued')).type, 'Reconciling');
  t.deepEqual(
    (await listPods(operated, namespace, 'export')).map(
      ({ metadata }) => metadata.labels[ownerLabels.ModelExport.name],
    ),
    ['first'],
  );
  await applyExport('first', { suspend: true });
  await podOf('second', 'export');
  await eventually('first to be suspended', async () =>
    (await statusOf('first'))?.conditions?.find((c) => c.type === 'Ready' && c.reason === 'Suspended'),
  );
  await applyExport('first');
  t.is((await untilReason('first', 'Queued')).type, 'Reconciling');
});

test.serial('both exports become Ready, and never more than one of their pods is admitted', async (t) => {
  for (let jobs = 0; jobs < 4; jobs++) {
    const [pod, ...others] = await eventually('an admitted pod', async () => {
      const pods = await admittedPods();
      return pods.length > 0 ? pods : undefined;
    });
    t.deepEqual(others, []);
    await finish(pod!);
  }
  for (const name of ['first', 'second']) t.is((await untilReason(name, 'Ready')).type, 'Ready');
});
