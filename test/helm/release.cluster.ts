/**
 * A release on a real control plane, from install to uninstall, with an export in flight all the way. The operator runs in
 * this process, as the ServiceAccount of the release and with the Roles of the release; the test plays the kubelets.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Registry } from 'prom-client';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportCacheOptions } from '../../src/cluster/modelexport/caches.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { Informer } from '../../src/cluster/runtime/informer.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import type { Log } from '../../src/ground/observability/log.ts';
import { informerMetrics } from '../../src/ground/observability/metrics.ts';
import { aClientOf } from '../builders/client.ts';
import { anEngineBuilt, anExported, aSpec } from '../builders/objects.ts';
import { runOperator } from '../builders/operator.ts';
import { aSucceededPod } from '../builders/pods.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { untilEstablished } from '../cluster/crds.ts';
import { kubeconfigOf } from '../cluster/credentials.ts';
import { foreignCrds } from '../cluster/go-tools.ts';
import { eventually } from '../cluster/run.ts';
import { healthOf } from '../gitops/ask.ts';
import { chart, helm, template, valueSets } from './helm.ts';

const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const ours = { apiVersion: 'export.tlt.dev/v1beta1' } as const;
const release = ['tlt', '--namespace', 'tlt-export-system'] as const;

let plane: ControlPlane;
let admin: KubeClient;
/** Every version of the export that a watch saw. */
const timeline: ModelExport[] = [];
const watching = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'tlt-release-'));

test.before(async () => {
  plane = await startControlPlane({ controllerManager: true });
  admin = aClientOf(plane.kubeconfig);
  await plane.kubectl(['apply', '--server-side', '-f', await foreignCrds('monitoring')]);
  for (const namespace of ['vision', 'radar', 'tlt-export-system'])
    await plane.ask('/api/v1/namespaces', { method: 'POST', body: { metadata: { name: namespace } } });
});
test.after.always(async () => {
  watching.abort();
  await operator?.stop();
  rmSync(folder, { recursive: true, force: true });
  await plane?.stop();
});

const apply = (object: object): Promise<string> =>
  plane.kubectl(['apply', '-f', '-'], JSON.stringify(object));

const namesOf = async (kinds: string, namespace: string): Promise<readonly string[]> =>
  (await plane.kubectl(['get', kinds, '-n', namespace, '-o', 'name'])).trim().split('\n').sort();

type Running = { readonly stop: () => Promise<void> };
let operator: Running | undefined;

/** The operator of the release as it is now: as its ServiceAccount, in the namespaces of its Deployment's arguments. */
const restartOperator = async (): Promise<void> => {
  await operator?.stop();
  const at = ['-n', 'tlt-export-system'];
  const token = (await plane.kubectl(['create', 'token', 'tlt-export-operator', ...at])).trim();
  const path = join(folder, 'operator.kubeconfig');
  writeFileSync(path, kubeconfigOf(plane.url, token, plane.ca));
  const argument = '{.spec.template.spec.containers[0].args}';
  const args = await plane.kubectl([
    'get',
    'deployment',
    'tlt-export-operator',
    ...at,
    '-o',
    `jsonpath=${argument}`,
  ]);
  const namespaces = /--namespace=([^"]*)/.exec(args)?.[1]?.split(',');
  const stop = new AbortController();
  const running = runOperator(aClientOf(path), stop.signal, { namespaces });
  operator = {
    stop: async () => {
      stop.abort(new Error('the pod ended'));
      await running.catch(() => {}); // Its requests were cut off.
    },
  };
};

const jobsOf = async (): Promise<readonly { readonly stage: string; readonly uid: string }[]> => {
  const fields = '{range .items[*]}{.metadata.labels.export\\.tlt\\.dev/stage} {.metadata.uid}{"\\n"}{end}';
  const lines = (await plane.kubectl(['get', 'jobs', '-n', 'vision', '-o', `jsonpath=${fields}`])).trim();
  return lines.split('\n').flatMap((line) => {
    const [stage = '', uid = ''] = line.split(' ');
    return stage === '' ? [] : [{ stage, uid }];
  });
};

const untilJob = (stage: string): Promise<true> =>
  eventually(
    `the ${stage} Job`,
    async () => (await jobsOf()).some((job) => job.stage === stage) || undefined,
  );

/** What the kubelet reports once the pod of this stage has ended well. */
const endPod = async (stage: 'export' | 'engine'): Promise<void> => {
  const selected = ['get', 'pods', '-n', 'vision', '-l', `export.tlt.dev/stage=${stage}`, '-o', 'name'];
  const name = await eventually(
    `a pod of ${stage}`,
    async () => (await plane.kubectl(selected)).trim() || undefined,
  );
  const status =
    stage === 'export' ? aSucceededPod('export', anExported()) : aSucceededPod('publish', anEngineBuilt());
  const at = { namespace: 'vision', name: name.replace('pod/', ''), subresource: 'status' };
  await admin.mergePatch(jobResources.pods, at, { status }, watching.signal);
};

const descriptionOfColumn = async (): Promise<string> => {
  const column = '{.spec.versions[0].additionalPrinterColumns[?(@.name=="Progress")].description}';
  return plane.kubectl(['get', 'crd', 'modelexports.export.tlt.dev', '-o', `jsonpath=${column}`]);
};

/** The chart of the next version: another CRD, the same API. */
const nextChart = (): string => {
  const path = join(folder, 'chart');
  cpSync(chart, path, { recursive: true });
  const edit = (file: string, from: RegExp, to: string) => {
    const text = readFileSync(join(path, file), 'utf8');
    writeFileSync(join(path, file), text.replace(from, to));
  };
  edit('Chart.yaml', /^version: .*$/m, 'version: 99.0.0');
  edit('templates/crd-modelexports.yaml', /Current activity\./, 'What runs at present.');
  return path;
};

const uidOf = (): Promise<string> =>
  plane.kubectl(['get', 'mex', 'flight', '-n', 'vision', '-o', 'jsonpath={.metadata.uid}']);

for (const [name, file] of Object.entries(valueSets))
  test.serial(`a real apiserver accepts what the values ${name} render`, async (t) => {
    const rendered = await template('--values', file);
    const answer = await plane.kubectl(['apply', '--server-side', '--dry-run=server', '-f', '-'], rendered);
    t.is(answer.match(/serverside-applied \(server dry run\)/g)?.length, rendered.match(/^---$/gm)!.length);
  });

test.serial('helm install, and an export starts', async (t) => {
  const notes = await helm(['install', ...release, chart], plane.kubeconfig);
  t.regex(notes, /kubectl wait --namespace tlt-export-system --for=condition=Available/);
  await untilEstablished(plane);
  const deps = {
    client: admin,
    clock: systemClock,
    random: () => 0.5,
    metrics: informerMetrics(new Registry()),
    log: silent,
  };
  const seen = ({ after }: { readonly after: ModelExport | undefined }) =>
    void (after && timeline.push(after));
  void new Informer(modelExportCacheOptions({ namespace: 'vision' }, seen), deps).run(watching.signal);
  await restartOperator();
  const [, nextCommand] = /kubectl apply -f - <<END\n([\s\S]*?)END\n/.exec(notes)!;
  await plane.kubectl(['apply', '-f', '-'], nextCommand!);
  await plane.kubectl(['patch', 'edc', 'cpu', '--type=merge', '-p', '{"spec":{"allowPending":true}}']);
  const { calibration: _, ...spec } = aSpec({ dataType: 'fp32', deviceClasses: [{ name: 'cpu' }] });
  await apply({ ...ours, kind: 'ModelExport', metadata: { name: 'flight', namespace: 'vision' }, spec });
  await untilJob('export');
  t.pass();
});

test.serial(
  'helm upgrade brings new CRDs and Roles for one namespace, and the export continues in its Job',
  async (t) => {
    const before = { uid: await uidOf(), jobs: await jobsOf() };
    await helm(['upgrade', ...release, nextChart(), '--set', 'watchNamespaces={vision}'], plane.kubeconfig);
    t.is(await descriptionOfColumn(), 'What runs at present.');
    t.deepEqual({ uid: await uidOf(), jobs: await jobsOf() }, before);
    const roles = await namesOf('clusterroles,clusterrolebindings', 'default');
    t.false(roles.includes('clusterrole.rbac.authorization.k8s.io/tlt-export-operator'));
    await restartOperator();
    await endPod('export');
    await untilJob('engine');
    t.is((await jobsOf()).length, 2, 'nothing was started twice');
  },
);

test.serial('an upgrade to the same chart and values changes no object', async (t) => {
  const versions = () =>
    plane.kubectl([
      'get',
      'deployments,roles,rolebindings,serviceaccounts,services,networkpolicies,pdb',
      '-n',
      'tlt-export-system',
      '-o',
      'jsonpath={.items[*].metadata.resourceVersion}',
    ]);
  const before = await versions();
  await helm(['upgrade', ...release, join(folder, 'chart'), '--reuse-values'], plane.kubeconfig);
  t.is(await versions(), before);
});

test.serial(
  'helm rollback to the first revision brings back its CRDs and ClusterRole, and the engine continues in its Job',
  async (t) => {
    const before = { uid: await uidOf(), jobs: await jobsOf() };
    await helm(['rollback', 'tlt', '1', '--namespace', 'tlt-export-system'], plane.kubeconfig);
    t.is(await descriptionOfColumn(), 'Current activity.');
    t.deepEqual({ uid: await uidOf(), jobs: await jobsOf() }, before);
    t.deepEqual(await namesOf('roles', 'vision'), ['']);
    await restartOperator();
  },
);

test.serial(
  'helm uninstall leaves CRDs, exports, classes and running Jobs, and nothing of its own',
  async (t) => {
    const before = { uid: await uidOf(), jobs: await jobsOf() };
    await helm(['uninstall', ...release], plane.kubeconfig);
    t.deepEqual({ uid: await uidOf(), jobs: await jobsOf() }, before);
    t.is((await namesOf('crd', 'default')).filter((name) => name.endsWith('.export.tlt.dev')).length, 3);
    t.deepEqual(await namesOf('edc', 'default'), ['exportdeviceclass.export.tlt.dev/cpu']);
    const kinds = 'deployments,roles,rolebindings,services,networkpolicies,pdb';
    t.deepEqual(await namesOf(kinds, 'tlt-export-system'), ['']);
    const clusterWide = await namesOf('clusterroles,clusterrolebindings', 'default');
    t.deepEqual(
      clusterWide.filter((name) => name.includes('tlt-export')),
      [],
    );
    await operator?.stop();
  },
);

test.serial(
  'what ended while nothing was installed counts after the next install: the export is Ready, by its two Jobs',
  async (t) => {
    const before = await jobsOf();
    await endPod('engine');
    await helm(['install', ...release, chart], plane.kubeconfig);
    await restartOperator();
    await plane.kubectl(['wait', '-n', 'vision', '--for=condition=Ready', 'mex/flight', '--timeout=60s']);
    t.deepEqual(await jobsOf(), before);
    t.is(before.length, 2);
  },
);

test.serial('Argo CD would have shown it Healthy at its end alone', async (t) => {
  const isReady = ({ status }: ModelExport) =>
    status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  await eventually('the last version', async () => timeline.some(isReady) || undefined);
  const health = await healthOf('export-health', timeline);
  t.true(timeline.length >= 3, `${timeline.length} versions`);
  const healthy = health.flatMap(({ status }, i) => (status === 'Healthy' ? [i] : []));
  t.deepEqual(
    healthy,
    timeline.flatMap((version, i) => (isReady(version) ? [i] : [])),
  );
  t.deepEqual(new Set(health.map(({ status }) => status)), new Set(['Progressing', 'Healthy']));
});
