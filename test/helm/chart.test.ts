/** The Helm chart by Helm itself, without a cluster: lint, golden renderings, one source with deploy/, and every value in use. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import test, { type ExecutionContext } from 'ava';
import { chartValues } from '../../src/cluster/manifests/chart/values.ts';
import { installation } from '../../src/cluster/manifests/names.ts';
import type { Schema } from '../../src/ground/contract/schema.ts';
import { run } from '../cluster/run.ts';
import { type Differences, differencesOf } from './differences.ts';
import { chart, helm, objectsOf, type Rendered, root, template, valueSets } from './helm.ts';

const isCrd = ({ kind }: Rendered): boolean => kind === 'CustomResourceDefinition';

for (const [name, file] of Object.entries(valueSets)) {
  test(`helm lint finds nothing to say about the values ${name}`, async (t) => {
    const said = await helm(['lint', '--strict', chart, '--values', file, '--kube-version', '1.33.0']);
    t.regex(said, /1 chart\(s\) linted, 0 chart\(s\) failed/);
    t.false(/\[(WARNING|ERROR)\]/.test(said), said);
  });

  test(`what the values ${name} change in the rendering is the golden one`, async (t) => {
    const [defaults, found] = (await Promise.all([template(), template('--values', file)])).map(objectsOf);
    const differences = differencesOf(defaults!, found!);
    const path = join(import.meta.dirname, 'golden', `${name}.json`);
    if (process.env.TLT_UPDATE_GOLDEN === '1') writeFileSync(path, JSON.stringify(differences));
    const golden = JSON.parse(readFileSync(path, 'utf8')) as Differences;
    t.deepEqual(
      differences,
      golden,
      'if this is right: TLT_UPDATE_GOLDEN=1 npx ava test/helm/chart.test.ts, then npm run format',
    );
  });
}

const withoutLabelsOfTheRelease = (object: Rendered): Rendered => {
  const ofRelease = [
    'app.kubernetes.io/instance',
    'app.kubernetes.io/version',
    'app.kubernetes.io/managed-by',
    'helm.sh/chart',
  ];
  const { labels = {}, annotations: _, ...metadata } = object.metadata;
  const kept = Object.entries(labels).filter(([name]) => !ofRelease.includes(name));
  return {
    ...object,
    metadata: { ...metadata, ...(kept.length > 0 && { labels: Object.fromEntries(kept) }) },
  };
};

const byName = (objects: readonly Rendered[]): Readonly<Record<string, Rendered>> =>
  Object.fromEntries(
    objects.map((object) => [`${object.kind} ${object.metadata.name}`, withoutLabelsOfTheRelease(object)]),
  );

test('with the images and the replicas of deploy/, the chart installs the objects of deploy/ and crds/', async (t) => {
  const settings = ['images.operator.tag=dev', 'images.tensorRtRtx.tag=dev', 'replicas=1'];
  const kustomized = ['deploy', 'crds'].map((folder) => run('kubectl', ['kustomize', join(root, folder)]));
  const [rendered, ...expected] = await Promise.all([
    template(...settings.flatMap((setting) => ['--set', setting])),
    ...kustomized,
  ]);
  const chartObjects = byName(objectsOf(rendered!));
  const deployObjects = byName(expected.flatMap(objectsOf));
  t.deepEqual(Object.keys(chartObjects).sort(), Object.keys(deployObjects).sort());
  for (const [name, object] of Object.entries(deployObjects))
    t.deepEqual(chartObjects[name], withDefaultsOfValues(object), name);
});

type WithArgs = {
  readonly spec: { readonly template: { readonly spec: { readonly containers: [{ args: string[] }] } } };
};

/** Flags that the chart always passes, because values set them, are after the others. */
const withDefaultsOfValues = (object: Rendered): Rendered => {
  if (object.kind !== 'Deployment') return object;
  const copy = structuredClone(object);
  const [container] = (copy as unknown as WithArgs).spec.template.spec.containers;
  const secure = '--metrics-secure';
  const others = container.args.filter((argument) => argument !== secure);
  container.args = [...others, secure, '--workers=4', '--progress-seconds=15'];
  return copy;
};

test('CRDs stay when the release is uninstalled, unless that is switched off', async (t) => {
  const crdsOf = async (...args: readonly string[]) => objectsOf(await template(...args)).filter(isCrd);
  const [kept, removed, none] = await Promise.all([
    crdsOf(),
    crdsOf('--set', 'crds.keep=false'),
    crdsOf('--set', 'crds.install=false'),
  ]);
  t.is(kept.length, 3);
  for (const { metadata } of kept) t.is(metadata.annotations?.['helm.sh/resource-policy'], 'keep');
  for (const { metadata } of removed) t.is(metadata.annotations, undefined);
  t.deepEqual(none, []);
});

test('with watchNamespaces nothing but reading and reviews is allowed cluster-wide, and in Roles-only mode nothing at all', async (t) => {
  const clusterWide = async (set: string) =>
    objectsOf(await template('--values', valueSets[set]!)).filter(({ kind }) =>
      /^(Cluster|Custom|Validating)/.test(kind),
    );
  const team = await clusterWide('team');
  const verbs = team.flatMap(({ rules = [] }) =>
    (rules as { verbs: string[]; resources?: string[]; nonResourceURLs?: string[] }[]).map(
      ({ verbs: granted, resources, nonResourceURLs }) => `${granted} ${resources ?? nonResourceURLs}`,
    ),
  );
  t.deepEqual(verbs.sort(), [
    'create subjectaccessreviews',
    'create tokenreviews',
    'get /exports',
    'get /metrics',
    'get persistentvolumes',
    'list,watch exportdeviceclasses',
    'list,watch nodes',
    'update exportdeviceclasses/status',
  ]);
  t.true(
    team.every(({ metadata }) => metadata.name.endsWith(`.${installation.namespace}`)),
    'releases do not share them',
  );
  t.deepEqual(await clusterWide('roles-only'), []);
});

type Leaf = { readonly path: string; readonly schema: Schema };

const leavesOf = (schema: Schema, path: string): readonly Leaf[] =>
  'properties' in schema
    ? Object.entries(schema.properties).flatMap(([name, property]) =>
        leavesOf(property, path === '' ? name : `${path}.${name}`),
      )
    : [{ path, schema }];

/** Some other value than the default, as JSON. */
const otherValue = ({ path, schema }: Leaf): string => {
  if (path.endsWith('digest')) return `"sha256:${'d'.repeat(64)}"`;
  if (path === 'networkPolicy.objectStorage') return '[{"cidr":"10.0.0.1/32","port":9000}]';
  if (path === 'tolerations') return '[{"key":"other"}]';
  if ('items' in schema) return '["other"]';
  if ('additionalProperties' in schema) return '{"other":"x"}';
  if (schema.type === 'boolean') return String(!schema.default);
  if (schema.type === 'integer') return String((schema.default ?? 1) + 1);
  if (schema.type === 'string' && schema.enum)
    return `"${schema.enum.find((value) => value !== schema.default)}"`;
  return schema.type === 'quantity' ? '"77Mi"' : '"other"';
};

/** What has to be set besides for a value to matter. */
const needs: Readonly<Record<string, string>> = {
  'crds.keep': 'crds.install=true',
  'rbac.clusterReader': 'watchNamespaces={vision}',
  'networkPolicy.exports': 'watchNamespaces={vision}',
  'networkPolicy.objectStorage': 'watchNamespaces={vision}',
  'imageAllowList.codecs': 'imageAllowList.enabled=true',
  'imageAllowList.builders': 'imageAllowList.enabled=true',
  'monitoring.podMonitorTokenSecret': 'monitoring.podMonitor=true',
};

test('every value changes what is rendered', async (t) => {
  const leaves = leavesOf(chartValues, '');
  t.true(leaves.length > 25);
  const renderings = new Map<string, Promise<string>>();
  const rendering = (...args: readonly string[]): Promise<string> => {
    const key = args.join(' ');
    renderings.set(key, renderings.get(key) ?? template(...args));
    return renderings.get(key)!;
  };
  for (const leaf of leaves) {
    const context = needs[leaf.path] === undefined ? [] : ['--set', needs[leaf.path]!];
    const change = ['--set-json', `${leaf.path}=${otherValue(leaf)}`];
    t.not(await rendering(...context, ...change), await rendering(...context), leaf.path);
  }
});

for (const [setting, message] of [
  ['replica=3', /additional properties? 'replica' not allowed/],
  ['images.operator.digest=sha256:abc', /does not match pattern/],
  ['replicas=0', /minimum: got 0, want 1/],
  ['watchNamespaces={Vision}', /does not match pattern/],
  ['metrics.secure=yes', /got string, want boolean/],
] as const)
  test(`--set ${setting} is refused by the schema, by name`, async (t) => {
    await t.throwsAsync(template('--set', setting), { message });
  });

/** The dashboard is a text, which kustomize indents in its own way. */
const withoutSpaces = (objects: object): object =>
  JSON.parse(JSON.stringify(objects, (key, value) => (key.endsWith('.json') ? JSON.parse(value) : value)));

/** The objects of these components of deploy/, on their own. */
const componentObjects = async (t: ExecutionContext, ...names: readonly string[]) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-components-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const components = names.map((name) => relative(folder, join(root, 'deploy/components', name)));
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify({ components }));
  return byName(objectsOf(await run('kubectl', ['kustomize', folder])));
};

for (const [monitor, components] of [
  ['serviceMonitor', ['monitoring']],
  ['podMonitor', ['monitoring', 'pod-monitor']],
] as const)
  test(`the components ${components.join(' and ')} have the objects of the chart with a ${monitor}`, async (t) => {
    const flags = [monitor, 'prometheusRule', 'dashboard'].map((name) => `monitoring.${name}=true`);
    const [defaults, rendered] = await Promise.all([template(), template('--set', flags.join(','))]);
    const known = byName(objectsOf(defaults));
    const added = Object.entries(byName(objectsOf(rendered))).filter(([name]) => !(name in known));
    t.is(added.length, 3);
    t.deepEqual(
      withoutSpaces(Object.fromEntries(added)),
      withoutSpaces(await componentObjects(t, ...components)),
    );
  });

test('two objects that scrape the same pods are refused', async (t) => {
  const both = template('--set', 'monitoring.serviceMonitor=true,monitoring.podMonitor=true');
  await t.throwsAsync(both, { message: /are both true, which scrapes each pod twice/ });
});

test('a digest wins over a tag, and the registry is in front of both names', async (t) => {
  const rendered = await template('--values', valueSets.production!, '--set', 'images.operator.tag=v9');
  const operator = `registry.example.com/tlt/tlt-export-operator@sha256:${'a'.repeat(64)}`;
  t.is(rendered.split(operator).length - 1, 2);
  t.is(
    rendered.split(`registry.example.com/tlt/tlt-export-tensorrt-rtx@sha256:${'b'.repeat(64)}`).length - 1,
    1,
  );
  t.false(rendered.includes(':v9'));
});

test('the chart packs, and without its values for tests', async (t) => {
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string })
    .version;
  const folder = mkdtempSync(join(tmpdir(), 'tlt-chart-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await helm(['package', chart, '--destination', folder]);
  const files = await run('tar', ['-tzf', join(folder, `tlt-export-operator-${version}.tgz`)]);
  t.true(files.includes('tlt-export-operator/values.schema.json'));
  t.false(files.includes('/ci/'));
});
