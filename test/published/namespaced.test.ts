/** The installation in one namespace, with its policies, on a real apiserver: what each permits. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { permissions as tensorfilePermissions } from '../../src/cluster/calibrationtensorfile/permissions.ts';
import { permissions as deviceClassPermissions } from '../../src/cluster/deviceclass/permissions.ts';
import { clusterScoped } from '../../src/cluster/manifests/rbac.ts';
import { permissions as modelExportPermissions } from '../../src/cluster/modelexport/permissions.ts';
import { permissions as ownedJobPermissions } from '../../src/cluster/ownedjobs/permissions.ts';
import { aSpec } from '../builders/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { untilEstablished } from '../cluster/crds.ts';
import { eventually } from '../cluster/run.ts';

let plane: ControlPlane;
const folder = mkdtempSync(join(tmpdir(), 'tlt-namespaced-'));

/** The overlay as a team edits it. */
const teamOf = (namespace: string): string => {
  cpSync('deploy/namespaced', join(folder, 'deploy/namespaced'), { recursive: true });
  const path = join(folder, 'deploy/overlays', namespace);
  cpSync('deploy/overlays/team', path, { recursive: true });
  const file = join(path, 'kustomization.yaml');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('namespace: tlt-exports', `namespace: ${namespace}`),
  );
  return path;
};

test.before(async () => {
  plane = await startControlPlane();
  await plane.kubectl(['apply', '--server-side', '-k', 'deploy/prerequisites/teams']);
  await untilEstablished(plane);
  for (const namespace of ['vision', 'radar', 'tlt-export-system'])
    await plane.kubectl(['create', 'namespace', namespace]);
  for (const namespace of ['vision', 'radar']) await plane.kubectl(['apply', '-k', teamOf(namespace)]);
});
test.after.always(async () => {
  rmSync(folder, { recursive: true, force: true });
  await plane?.stop();
});

const operator = 'system:serviceaccount:vision:tlt-export-operator';

type Place = { readonly subresource?: string | undefined; readonly namespace?: string };
const can = async (verb: string, name: string, place: Place = {}): Promise<boolean> => {
  const [resource, ...group] = name.split('.');
  const resourceAttributes = { verb, resource, group: group.join('.'), ...place };
  const kind = 'SelfSubjectAccessReview';
  const body = { apiVersion: 'authorization.k8s.io/v1', kind, spec: { resourceAttributes } };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const answer = await plane.ask(path, { method: 'POST', body, as: operator });
  return (JSON.parse(answer) as { status: { allowed: boolean } }).status.allowed;
};

for (const permission of [
  ...modelExportPermissions,
  ...tensorfilePermissions,
  ...ownedJobPermissions,
  ...deviceClassPermissions,
]) {
  const [resource, subresource] = permission.resources[0]!.split('/');
  const name = [resource, ...permission.apiGroups].filter((part) => part !== '').join('.');
  test(`${permission.verbs.join(', ')} ${name} ${subresource ?? ''}: in the namespace that needs it, and nowhere else`, async (t) => {
    for (const verb of permission.verbs) {
      if (clusterScoped(permission)) t.true(await can(verb, name, { subresource }), verb);
      else {
        t.true(await can(verb, name, { subresource, namespace: 'vision' }), verb);
        t.false(await can(verb, name, { subresource, namespace: 'radar' }), `${verb} elsewhere`);
      }
    }
  });
}

for (const [verb, name] of [
  ['get', 'secrets'],
  ['create', 'pods'],
  ['create', 'jobs.batch'],
  ['get', 'pods'],
  ['update', 'leases.coordination.k8s.io'],
  ['patch', 'nodes'],
] as const)
  test(`the operator of a team may not ${verb} ${name} in the cluster`, async (t) => {
    t.false(await can(verb, name));
  });

test('two teams have two bindings of the one role that reads the cluster', async (t) => {
  const found = await plane.kubectl(['get', 'clusterrolebindings', '-o', 'name']);
  for (const namespace of ['vision', 'radar'])
    t.true(found.includes(`tlt-export-operator-cluster-reader.${namespace}`), namespace);
});

test('the operator of a team watches its own namespace', async (t) => {
  const deployment = await plane.kubectl([
    'get',
    'deployment',
    'tlt-export-operator',
    '-n',
    'vision',
    '-o',
    'json',
  ]);
  const { containers } = (
    JSON.parse(deployment) as { spec: { template: { spec: { containers: { args: string[] }[] } } } }
  ).spec.template.spec;
  t.true(containers[0]!.args.includes('--namespace=$(POD_NAMESPACE)'));
});

test('pods of exports have no network, and only the metrics port of the operator is reachable', async (t) => {
  const policies = JSON.parse(
    await plane.kubectl(['get', 'networkpolicies', '-n', 'vision', '-o', 'json']),
  ) as {
    items: {
      metadata: { name: string };
      spec: { ingress?: { ports: { port: number }[] }[]; egress?: object[] };
    }[];
  };
  const specOf = (name: string) => policies.items.find(({ metadata }) => metadata.name === name)!.spec;
  t.like(specOf('tlt-export-jobs'), { ingress: undefined, egress: undefined });
  t.deepEqual(
    specOf('tlt-export-operator').ingress!.flatMap(({ ports }) => ports.map(({ port }) => port)),
    [8080],
  );
});

const digest = `@sha256:${'a'.repeat(64)}`;
const codec = { image: `registry.example.com/codec${digest}`, command: ['codec', '--strict'] };
const builder = `registry.example.com/builder${digest}`;
const apiVersion = 'export.tlt.dev/v1beta1';

const dryRun = (object: object & { readonly kind: string }): Promise<string> => {
  const place = object.kind === 'ModelExport' ? 'namespaces/vision/modelexports' : 'exportdeviceclasses';
  return plane.ask(`/apis/${apiVersion}/${place}?dryRun=All`, {
    method: 'POST',
    body: { apiVersion, ...object },
  });
};

const anExport = (of?: object) => ({
  kind: 'ModelExport',
  metadata: { name: 'demo' },
  spec: aSpec(of ? { codec: of as typeof codec } : {}),
});

const aClass = (image?: string) => ({
  kind: 'ExportDeviceClass',
  metadata: { name: 'cpu' },
  spec: { engine: { backend: 'OnnxRuntime', ...(image && { image }) } },
});

test.serial('the allow-list policy rejects images that are not listed, with its message', async (t) => {
  const file = 'deploy/policies/image-allow-list.yaml';
  await plane.kubectl(['apply', '-f', file]);
  await eventually('the policy to be in force', () =>
    dryRun(anExport(codec)).then(
      () => undefined,
      (error: Error) => /not in the allow-list of codecs/.test(error.message) || undefined,
    ),
  );
  await eventually('the policy of classes', () =>
    dryRun(aClass(builder)).then(
      () => undefined,
      (error: Error) => /not in the allow-list of builders/.test(error.message) || undefined,
    ),
  );
  await t.notThrowsAsync(dryRun(anExport()), 'nothing is named');
  await t.notThrowsAsync(dryRun(aClass()));
  const data = { codecs: `other\n${codec.image} codec --strict`, builders: builder };
  const patch = ['patch', 'configmap', 'tlt-export-images', '-n', 'tlt-export-system', '--type=merge', '-p'];
  await plane.kubectl([...patch, JSON.stringify({ data })]);
  await eventually('the new list', () =>
    dryRun(anExport(codec)).then(
      () => true,
      () => undefined,
    ),
  );
  await eventually('the new list of builders', () =>
    dryRun(aClass(builder)).then(
      () => true,
      () => undefined,
    ),
  );
  for (const other of [
    { ...codec, command: ['sh', '-c', 'cat /run/secrets/export.tlt.dev/key'] },
    { ...codec, command: ['codec --strict'] },
    { ...codec, command: ['codec'] },
    { ...codec, image: `registry.example.com/codec@sha256:${'b'.repeat(64)}` },
  ])
    await t.throwsAsync(dryRun(anExport(other)), { message: /not in the allow-list of codecs/ });
  await t.throwsAsync(dryRun(aClass(`${builder.slice(0, -1)}b`)), {
    message: /not in the allow-list of builders/,
  });
});
