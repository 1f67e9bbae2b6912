/** The kustomizations of `deploy/` on a fresh, real apiserver, and the permissions that result. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { permissions as tensorfilePermissions } from '../../src/cluster/calibrationtensorfile/permissions.ts';
import { permissions as deviceClassPermissions } from '../../src/cluster/deviceclass/permissions.ts';
import { deployment } from '../../src/cluster/manifests/operator.ts';
import { permissions as modelExportPermissions } from '../../src/cluster/modelexport/permissions.ts';
import { permissions as ownedJobPermissions } from '../../src/cluster/ownedjobs/permissions.ts';
import { aSpec } from '../builders/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { untilEstablished } from '../cluster/crds.ts';
import { eventually, run } from '../cluster/run.ts';

let plane: ControlPlane;
let firstAnswer: string;
let dryRunAnswer: string;

test.before(async () => {
  plane = await startControlPlane({ controllerManager: true });
  dryRunAnswer = await plane
    .kubectl(['apply', '--dry-run=server', '-k', 'crds'])
    .catch((error: Error) => error.message);
  firstAnswer = await plane.kubectl(['apply', '--server-side', '-k', 'deploy/prerequisites/cluster']);
  firstAnswer += await plane.kubectl(['apply', '-k', 'deploy']);
  await untilEstablished(plane);
});

type Place = { readonly subresource?: string | undefined; readonly namespace?: string };

/** The question of `kubectl auth can-i`, for all namespaces unless one is named. */
const can = async (who: string, verb: string, name: string, place: Place = {}): Promise<boolean> => {
  const [resource, ...group] = name.split('.');
  const resourceAttributes = { verb, resource, group: group.join('.'), ...place };
  const answer = await plane.ask('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    method: 'POST',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    },
    as: who,
  });
  return (JSON.parse(answer) as { status: { allowed: boolean } }).status.allowed;
};

const operator = 'system:serviceaccount:tlt-export-system:tlt-export-operator';

test('two commands install everything', (t) => {
  t.is(firstAnswer.match(/ (created|serverside-applied)$/gm)?.length, firstAnswer.trim().split('\n').length);
  t.regex(firstAnswer, /deployment.apps\/tlt-export-operator created/);
  t.regex(dryRunAnswer, /modelexports.export.tlt.dev created \(server dry run\)/);
});

test('applying again changes nothing', async (t) => {
  const answer = await plane.kubectl(['apply', '-k', 'deploy']);
  t.deepEqual(
    answer
      .trim()
      .split('\n')
      .filter((line) => !line.endsWith(' unchanged')),
    [],
  );
});

test('server-side apply accepts it too', async (t) => {
  const flags = ['--server-side', '--dry-run=server', '--force-conflicts'];
  await t.notThrowsAsync(plane.kubectl(['apply', ...flags, '-k', 'deploy']));
});

test("the operator's pod is admitted at the restricted level of its namespace", async (t) => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'try', namespace: 'tlt-export-system' },
    spec: deployment.spec.template.spec,
  };
  const account = ['get', 'serviceaccount', 'tlt-export-operator', '-n', 'tlt-export-system'];
  await eventually('the ServiceAccount', async () => (await plane.kubectl(account)) || undefined);
  await t.notThrowsAsync(plane.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pod)));
  const loose = { ...pod, spec: { ...pod.spec, securityContext: {} } };
  const refusal = await t.throwsAsync(
    plane.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(loose)),
  );
  t.true(refusal.message.includes('violates PodSecurity "restricted'));
});

/** The arguments of each `kubectl apply` in a page. */
const appliesOf = (page: string): (readonly string[])[] =>
  [...readFileSync(page, 'utf8').matchAll(/^kubectl (apply .+)$/gm)].map(([, words]) => words!.split(' '));

test('the apiserver admits the samples into a namespace of restricted pods, as their page describes', async (t) => {
  await plane.kubectl(['create', 'namespace', 'vision']);
  await plane.kubectl(['label', 'namespace', 'vision', 'pod-security.kubernetes.io/enforce=restricted']);
  const account = ['get', 'serviceaccount', 'default', '-n', 'vision'];
  await eventually('the ServiceAccount', async () => (await plane.kubectl(account)) || undefined);
  const applies = appliesOf('docs/first-export.md');
  t.is(applies.length, 3);
  applies.push(['apply', '-n', 'vision', '-f', 'deploy/samples/tensorfile.yaml']);
  const created: number[] = [];
  for (const words of applies) {
    const answer = await plane.kubectl([...words, '--dry-run=server']);
    created.push(answer.match(/created \(server dry run\)/g)!.length);
  }
  t.deepEqual(created, [3, 3, 1, 3], 'claims and the pod; classes; the export; what the tensorfile needs');
});

for (const { apiGroups, resources, verbs } of [
  ...modelExportPermissions,
  ...tensorfilePermissions,
  ...ownedJobPermissions,
  ...deviceClassPermissions,
]) {
  const [resource, subresource] = `${resources[0]}`.split('/');
  const name = [resource, ...apiGroups].filter((part) => part !== '').join('.');
  test(`the operator may ${verbs.join(', ')} ${name} ${subresource ?? ''}`.trim(), async (t) => {
    for (const verb of verbs) t.true(await can(operator, verb, name, { subresource }), verb);
  });
}

test('the operator may hold its own lease only', async (t) => {
  const leases = 'leases.coordination.k8s.io';
  t.true(await can(operator, 'update', leases, { namespace: 'tlt-export-system' }));
  t.false(await can(operator, 'update', leases, { namespace: 'kube-system' }));
});

const mayNot = test.macro({
  exec: async (t, verb: string, resource: string) => {
    t.false(await can(operator, verb, resource));
    t.false(await can(operator, verb, resource, { namespace: 'tlt-export-system' }));
  },
  title: (_, verb, resource) => `the operator may not ${verb} ${resource}`,
});
test(mayNot, 'get', 'secrets');
test(mayNot, 'list', 'secrets');
test(mayNot, 'get', 'configmaps');
test(mayNot, 'create', 'pods');
test(mayNot, 'update', 'modelexports.export.tlt.dev');
test(mayNot, 'delete', 'modelexports.export.tlt.dev');
test(mayNot, 'create', 'calibrationtensorfiles.export.tlt.dev');
test(mayNot, 'patch', 'nodes');

test("a namespace's editor may edit exports, its viewer may read them, and neither may edit device classes", async (t) => {
  for (const [role, user] of [
    ['view', 'viewer'],
    ['edit', 'editor'],
  ])
    await plane.kubectl([
      'create',
      'rolebinding',
      role!,
      `--clusterrole=${role}`,
      `--user=${user}`,
      '-n',
      'default',
    ]);
  const exports = 'modelexports.export.tlt.dev';
  const here = { namespace: 'default' };
  for (const [user, verb] of [
    ['editor', 'create'],
    ['viewer', 'get'],
  ] as const)
    await eventually(
      `the aggregated role of the ${user}`,
      async () => (await can(user, verb, exports, here)) || undefined,
    );
  t.true(await can('viewer', 'get', exports, here));
  t.true(await can('viewer', 'watch', exports, here));
  t.false(await can('viewer', 'create', exports, here));
  t.false(await can('editor', 'create', exports, { namespace: 'kube-system' }));
  t.true(await can('editor', 'create', 'calibrationtensorfiles.export.tlt.dev', here));
  t.false(await can('viewer', 'create', 'calibrationtensorfiles.export.tlt.dev', here));
  t.false(await can('editor', 'create', 'exportdeviceclasses.export.tlt.dev'));
});

test('the images of a kustomization apply to the operator and to the images of its Jobs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-install-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  cpSync('deploy', join(folder, 'deploy'), { recursive: true });
  for (const overlay of ['deploy', 'deploy/overlays/high-availability', 'deploy/overlays/team']) {
    const path = join(folder, overlay, 'kustomization.yaml');
    const digest = `digest: sha256:${'a'.repeat(64)}`;
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll('newTag: dev', digest));
    const rendered = await run('kubectl', ['kustomize', join(folder, overlay)]);
    t.is(rendered.match(/tlt-export-operator@sha256:a{64}/g)?.length, 2, overlay);
    t.is(rendered.match(/tlt-export-tensorrt-rtx@sha256:a{64}/g)?.length, 1, overlay);
    t.false(rendered.includes(':dev'), overlay);
  }
});

test('the overlay for high availability is accepted, and spreads two replicas with a disruption budget', async (t) => {
  const overlay = 'deploy/overlays/high-availability';
  await t.notThrowsAsync(
    plane.kubectl(['apply', '--server-side', '--dry-run=server', '--force-conflicts', '-k', overlay]),
  );
  const rendered = await run('kubectl', ['kustomize', overlay]);
  t.regex(rendered, /^ {2}replicas: 2$/m);
  t.regex(rendered, /^ {6}priorityClassName: system-cluster-critical$/m);
  t.regex(rendered, /kind: PodDisruptionBudget/);
  t.is(rendered.match(/whenUnsatisfiable: ScheduleAnyway/g)?.length, 2);
});

const folders = ['deploy', 'deploy/overlays/high-availability', 'deploy/overlays/team'];

for (const folder of folders)
  test(`deleting ${folder} deletes no CRD, no namespace and nothing that another installation uses`, async (t) => {
    const kinds = (await run('kubectl', ['kustomize', folder])).match(/^kind: .*$/gm)!;
    const ours = ['ModelExport', 'CalibrationTensorfile', 'ExportDeviceClass'];
    for (const kind of ['CustomResourceDefinition', 'Namespace', 'Secret', 'ConfigMap', ...ours])
      t.false(kinds.includes(`kind: ${kind}`), kind);
    t.is(kinds.includes('kind: ClusterRole'), folder !== 'deploy/overlays/team');
  });

test.after.always('deleting the installation leaves the objects of users', async (t) => {
  const metadata = { name: 'kept', namespace: 'tlt-export-system' };
  const object = { apiVersion: 'export.tlt.dev/v1beta1', kind: 'ModelExport', metadata, spec: aSpec() };
  await plane.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  await plane.kubectl(['delete', '-k', 'deploy', '--wait=false']);
  const left = await plane.kubectl(['get', 'mex,deployments', '-n', 'tlt-export-system', '-o', 'name']);
  t.is(left.trim(), 'modelexport.export.tlt.dev/kept');
  await plane.stop();
});
