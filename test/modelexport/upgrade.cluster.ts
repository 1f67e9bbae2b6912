/**
 * An upgrade of CRDs and operator on a real apiserver: objects as the first version stored them are read, and nothing is
 * built or reported again. Only the wording of conditions may differ, which costs one write of a status. The CRDs of the test are today's with fields and defaults that a later version could add.
 */
import { globSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { parse } from 'yaml';
import { exportGroup, kinds } from '../../src/cluster/api/group.ts';
import { deviceClassResource } from '../../src/cluster/deviceclass/controller.ts';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import type { KubeObject, Resource } from '../../src/cluster/runtime/resources.ts';
import { aClientOf } from '../builders/client.ts';
import { runOperator } from '../builders/operator.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { untilEstablished } from '../cluster/crds.ts';
import { eventually } from '../cluster/run.ts';
import { startFaultProxy } from '../runtime/fault-proxy.ts';

type Stored = KubeObject & { readonly spec: object; readonly status: object };

/**
 * Of each kind, with the status of finished work; captured from the code that stored them. The int8 engine has the key of today's
 * format of Q/DQ pairs, because an engine of an earlier format is built again.
 */
const stored = JSON.parse(
  readFileSync(new URL('../fixtures/stored/v1beta1-ready.json', import.meta.url), 'utf8'),
) as readonly Stored[];

type Schema = { readonly type?: string; readonly properties?: Record<string, Schema>; default?: unknown };
type Crd = {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] };
};

/** Every object of a spec gets a field with a default, which the apiserver fills in when it reads what is stored. */
const grow = (schema: Schema): void => {
  for (const field of Object.values(schema.properties ?? {})) grow(field);
  if (schema.properties) schema.properties.addedLater = { type: 'string', default: 'as before' };
};

const readCrds = (): readonly Crd[] =>
  globSync('crds/*.export.tlt.dev.yaml').map((file) => parse(readFileSync(file, 'utf8')) as Crd);

const grownCrds = (): readonly Crd[] => {
  const crds = readCrds();
  for (const { schema } of crds.flatMap(({ spec }) => spec.versions))
    grow(schema.openAPIV3Schema.properties!.spec!);
  return crds;
};

let plane: ControlPlane;
let client: KubeClient;
const stop = new AbortController();
const { signal } = stop;

const resourceOf = ({ kind }: Stored): Resource => ({
  group: exportGroup.group,
  version: exportGroup.version,
  plural: kinds[kind as keyof typeof kinds].plural,
});

const read = (object: Stored): Promise<Stored> =>
  client.read(resourceOf(object), { ...object.metadata }, signal) as Promise<Stored>;

const applyCrds = async (crds: readonly Crd[]): Promise<void> => {
  await plane.kubectl(
    ['apply', '--server-side', '--force-conflicts', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: crds }),
  );
  await untilEstablished(plane);
};

test.before(async () => {
  plane = await startControlPlane({ controllerManager: true });
  client = aClientOf(plane.kubeconfig);
  await plane.kubectl(['create', 'namespace', 'vision']);
  await applyCrds(readCrds());
  for (const object of stored) {
    const { namespace, name } = object.metadata;
    await client.create(resourceOf(object), { namespace }, object, signal);
    const at = { namespace, name, subresource: 'status' };
    await client.mergePatch(resourceOf(object), at, { status: object.status }, signal);
  }
  await applyCrds(grownCrds());
});
test.after.always(async () => {
  stop.abort(new Error('the test is over'));
  await plane?.stop();
});

/** Without what each write changes, and without the wording of conditions. */
const comparable = ({ metadata: { name }, spec, status }: Stored): unknown =>
  JSON.parse(JSON.stringify({ name, spec, status }), (key, value) => (key === 'message' ? undefined : value));

test('objects of every kind keep status and artifacts through an upgrade, and no Job is created', async (t) => {
  t.deepEqual([...new Set(stored.map(({ kind }) => kind))].sort(), Object.keys(kinds).sort());
  await eventually('the defaults of the later version', async () => {
    const { spec } = await read(stored[0]!);
    return 'addedLater' in spec || undefined;
  });
  const proxy = await startFaultProxy({
    kubeconfig: plane.kubeconfig,
    folder: plane.folder,
    name: 'upgrade',
  });
  t.teardown(() => proxy.close());
  const writes: string[] = [];
  proxy.onWritten = ({ method, path }) => writes.push(`${method} ${path}`);
  let watched = 0;
  proxy.fault = ({ url }) => {
    if (url?.includes('watch=true')) watched++;
    return 'pass';
  };
  const before = await Promise.all(stored.map(read));
  const running = runOperator(aClientOf(proxy.kubeconfig), signal);
  await eventually('every cache to watch', async () => watched >= 6 || undefined);
  await sleep(2000);
  const others = writes.filter((write) => !/^PUT \/apis\/export[.]tlt[.]dev\/.*\/status/.test(write));
  t.deepEqual(others, []);
  t.is(new Set(writes).size, writes.length, 'no status is written twice');
  const after = await Promise.all(stored.map(read));
  t.deepEqual(after.map(comparable), before.map(comparable));
  const known = writes.length;
  const { items } = (await client.list(jobResources.jobs, {}, signal)) as { items: unknown[] };
  t.deepEqual(items, []);
  await client.mergePatch(
    deviceClassResource,
    { name: 'cpu' },
    { spec: { nodeSelector: { pool: 'x' } } },
    signal,
  );
  await eventually('the operator to act on a change', async () => writes.length > known || undefined);
  stop.abort(new Error('the test is over'));
  await running;
});
