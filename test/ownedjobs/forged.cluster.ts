/**
 * A tenant with edit rights in one namespace and view rights in another tries to forge the status of an export in the
 * second one: on a real apiserver with the Job controller and the whole operator. The test acts as the kubelets of both
 * namespaces.
 */
import test from 'ava';
import type { ModelExport, ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { Result } from '../../src/ground/contract/result.ts';
import { anEngineBuilt, anExported, aSpec } from '../builders/objects.ts';
import { type OperatedPlane, startOperatedPlane } from '../builders/operated-plane.ts';
import { aSucceededPod } from '../builders/pods.ts';
import { eventually } from '../cluster/run.ts';

let operated: OperatedPlane;
const mallory = 'mallory';

test.before(async () => {
  operated = await startOperatedPlane(['cpu'], { progressMs: 0 });
  for (const [namespace, role] of [
    ['victim', 'view'],
    ['attacker', 'edit'],
  ] as const) {
    await operated.plane.kubectl(['create', 'namespace', namespace]);
    const binding = ['create', 'rolebinding', 'mallory', `--clusterrole=${role}`, `--user=${mallory}`];
    await operated.plane.kubectl([...binding, '-n', namespace]);
  }
});
test.after.always(() => operated?.stop());

const anExportOf = (name: string): Promise<string> => {
  const output = { uri: `pvc://exports/${name}` };
  const { calibration: _, ...spec } = aSpec({ dataType: 'fp32', deviceClasses: [{ name: 'cpu' }], output });
  return operated.apply({ kind: 'ModelExport', metadata: { name, namespace: 'victim' }, spec });
};

type Listed = {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly uid: string;
      readonly labels: Readonly<Record<string, string>>;
    };
  }[];
};

/** The victim's Job or pod of this stage of this export. */
const owned = (resource: 'jobs' | 'pods', name: string, stage: string) =>
  eventually(`the ${resource} of ${name}, stage ${stage}`, async () => {
    const all = (await operated.client.list(
      jobResources[resource],
      { namespace: 'victim' },
      operated.signal,
    )) as Listed;
    return all.items.find(
      ({ metadata: { labels } }) =>
        labels['export.tlt.dev/model-export'] === name && labels['export.tlt.dev/stage'] === stage,
    );
  });

/** The pod status that a kubelet writes after the containers have ended; mallory's pod can print anything. */
const endPod = async (
  pod: { readonly namespace: string; readonly name: string },
  status: object,
): Promise<void> => {
  await operated.client.mergePatch(
    jobResources.pods,
    { ...pod, subresource: 'status' },
    { status },
    operated.signal,
  );
};

const asMallory = (path: string, body: object): Promise<string> =>
  operated.plane.ask(path, { method: 'POST', body, as: mallory });

const evil = 'f'.repeat(64);
const evilExport: Result = { ...anExported(), etlt: { ...anExported().etlt, sha256: evil } };

const statusOf = async (name: string): Promise<ModelExportStatus> => {
  const at = { namespace: 'victim', name };
  return ((await operated.client.read(modelExportResource, at, operated.signal)) as ModelExport).status ?? {};
};

const untilExported = (name: string): Promise<NonNullable<ModelExportStatus['export']>> =>
  eventually(`${name} exported`, async () => {
    const { export: exported } = await statusOf(name);
    return exported?.etlt && exported;
  });

/** Keeps mallory's objects: the garbage collector would otherwise delete objects with an owner in another namespace. */
const finalizers = ['mallory.example/stay'];
const evilContainer = { name: 'export', image: 'evil' };

test.serial(
  'a pod in another namespace that references the Job, with all its labels, is ignored',
  async (t) => {
    await anExportOf('one');
    const { metadata } = await owned('jobs', 'one', 'export');
    const honest = await owned('pods', 'one', 'export');
    const reference = { apiVersion: 'batch/v1', kind: 'Job', name: metadata.name, uid: metadata.uid };
    const forged = {
      metadata: {
        name: 'forged',
        labels: honest.metadata.labels,
        ownerReferences: [{ ...reference, controller: true }],
        finalizers,
      },
      spec: { restartPolicy: 'Never', containers: [evilContainer] },
    };
    await asMallory('/api/v1/namespaces/attacker/pods', forged);
    await endPod({ namespace: 'attacker', name: 'forged' }, aSucceededPod('export', evilExport));
    await endPod({ namespace: 'victim', name: honest.metadata.name }, aSucceededPod('export', anExported()));
    const { etlt } = await untilExported('one');
    t.is(etlt!.sha256, anExported().etlt.sha256);
    t.regex(etlt!.uri, /^pvc:\/\/exports\/one\/[0-9a-f]+\/model\.etlt$/);
  },
);

test.serial(
  'a Job in another namespace that references the export is neither used nor deleted',
  async (t) => {
    await anExportOf('two');
    const job = await owned('jobs', 'two', 'export');
    const { metadata } = (await operated.client.read(
      modelExportResource,
      { namespace: 'victim', name: 'two' },
      operated.signal,
    )) as ModelExport;
    const owner = {
      apiVersion: 'export.tlt.dev/v1beta1',
      kind: 'ModelExport',
      name: 'two',
      uid: metadata.uid,
    };
    const { labels } = job.metadata;
    const template = { spec: { restartPolicy: 'Never', containers: [evilContainer] } };
    const created = await asMallory('/apis/batch/v1/namespaces/attacker/jobs', {
      metadata: { name: 'forged', labels, finalizers, ownerReferences: [{ ...owner, controller: true }] },
      spec: { template, managedBy: 'mallory.example/controller' },
    });
    const { uid } = (JSON.parse(created) as { metadata: { uid: string } }).metadata;
    await asMallory('/api/v1/namespaces/attacker/pods', {
      metadata: {
        name: 'forged-two',
        labels,
        finalizers,
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'forged', uid, controller: true }],
      },
      spec: { restartPolicy: 'Never', containers: [evilContainer] },
    });
    await endPod({ namespace: 'attacker', name: 'forged-two' }, aSucceededPod('export', evilExport));
    const honest = await owned('pods', 'two', 'export');
    await endPod({ namespace: 'victim', name: honest.metadata.name }, aSucceededPod('export', anExported()));
    t.is((await untilExported('two')).etlt!.sha256, anExported().etlt.sha256);
    t.regex(await operated.plane.kubectl(['get', 'job', 'forged', '-n', 'attacker', '-o', 'name']), /forged/);
  },
);

const enginePod = async (name: string): Promise<{ readonly namespace: string; readonly name: string }> => {
  await anExportOf(name);
  const pod = await owned('pods', name, 'export');
  await endPod({ namespace: 'victim', name: pod.metadata.name }, aSucceededPod('export', anExported()));
  const engine = await owned('pods', name, 'engine');
  return { namespace: 'victim', name: engine.metadata.name };
};

const ended = (name: string, message: string) => ({
  ...{ name, image: 'i', imageID: '', ready: false, restartCount: 0 },
  state: { terminated: { exitCode: 0, reason: 'Completed', message } },
});

const untilEngine = (name: string, reason: string) =>
  eventually(`the engine of ${name}: ${reason}`, async () => {
    const [engine] = (await statusOf(name)).engines ?? [];
    const built = engine?.conditions?.find(({ type }) => type === 'Built');
    return built?.reason === reason ? { ...engine, message: built.message } : undefined;
  });

test.serial('a report of the build container is not the result of its pod', async (t) => {
  const pod = await enginePod('three');
  const forged = { ...anEngineBuilt(), engine: { ...anEngineBuilt().engine, sha256: evil } };
  await endPod(pod, {
    phase: 'Succeeded',
    initContainerStatuses: [ended('stage', ''), ended('build', JSON.stringify(forged))],
    containerStatuses: [ended('publish', JSON.stringify(anEngineBuilt()))],
  });
  t.is((await untilEngine('three', 'Built'))!.sha256, anEngineBuilt().engine.sha256);
});

for (const [name, report] of [
  ['four', { kind: 'EngineBuilt' }],
  ['five', { ...anEngineBuilt(), runtime: { name: 'r', version: 'v'.repeat(1000) } }],
] as const)
  test.serial(`a report that status cannot contain is a visible failure: ${name}`, async (t) => {
    const containerStatuses = [ended('publish', JSON.stringify(report))];
    await endPod(await enginePod(name), { phase: 'Succeeded', containerStatuses });
    const { message } = (await untilEngine(name, 'ResultInvalid'))!;
    t.regex(message, /container publish succeeded, but its result is invalid: (engine|runtime)/);
  });
