/** A token that is revoked before the kubelet has mounted its successor: the operator gets 401 from a real apiserver. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { Registry } from 'prom-client';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { isStatus } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import type { KubeObject } from '../../src/cluster/runtime/resources.ts';
import { connectFromPod } from '../../src/cluster/runtime/service-account.ts';
import { aClient, aClientOf } from '../builders/client.ts';
import { aSpec } from '../builders/objects.ts';
import { runOperator } from '../builders/operator.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { eventually } from '../cluster/run.ts';

const namespace = 'default';
const secrets = { group: '', version: 'v1', plural: 'secrets' } as const;
const serviceAccounts = { group: '', version: 'v1', plural: 'serviceaccounts' } as const;
const account = 'operator';

let plane: ControlPlane;
let admin: KubeClient;
const stop = new AbortController();
const { signal } = stop;

test.before(async () => {
  plane = await startControlPlane();
  admin = aClientOf(plane.kubeconfig);
  await installCrds(plane);
  await plane.kubectl(['create', 'serviceaccount', account]);
  const grants = ['--clusterrole=cluster-admin', `--serviceaccount=${namespace}:${account}`];
  await plane.kubectl(['create', 'clusterrolebinding', account, ...grants]);
});
test.after.always(async () => {
  stop.abort(new Error('the test is over'));
  await plane?.stop();
});

/** A token that is valid as long as the Secret of this name exists. */
const tokenBoundTo = async (secret: string): Promise<string> => {
  await admin.create(secrets, { namespace }, { metadata: { name: secret } }, signal);
  const created = await admin.read(secrets, { namespace, name: secret }, signal);
  const { uid } = (created as KubeObject).metadata;
  const spec = { boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: secret, uid } };
  const at = { namespace, name: account, subresource: 'token' };
  const answer = await admin.review(serviceAccounts, at, { spec }, signal);
  return (answer as { readonly status: { readonly token: string } }).status.token;
};

const createExport = async (name: string): Promise<void> => {
  const kind = { apiVersion: 'export.tlt.dev/v1beta1', kind: 'ModelExport' };
  const object = { ...kind, metadata: { name }, spec: aSpec() };
  await admin.create(modelExportResource, { namespace }, object, signal);
};

const isSeen = async (name: string): Promise<true | undefined> => {
  const { status } = (await admin.read(modelExportResource, { namespace, name }, signal)) as ModelExport;
  return (status?.observedGeneration ?? -1) > 0 || undefined;
};

test('an operator whose token is revoked continues as soon as a new token is mounted', async (t) => {
  const mount = mkdtempSync(join(tmpdir(), 'tlt-token-'));
  writeFileSync(join(mount, 'ca.crt'), plane.ca);
  writeFileSync(join(mount, 'token'), await tokenBoundTo('old'));
  const { hostname, port } = new URL(plane.url);
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  const registry = new Registry();
  const client = aClient(connectFromPod(env, mount)!, registry);
  const running = runOperator(client, signal);
  await createExport('before');
  await eventually('the first status', () => isSeen('before'));
  await admin.remove(secrets, { namespace, name: 'old' }, signal);
  await eventually('the old token to be refused', async () => {
    const refused = await client.read(secrets, { namespace, name: 'none' }, signal).catch((thrown) => thrown);
    return isStatus(refused, 401) || undefined;
  });
  await createExport('meanwhile');
  await sleep(1500);
  t.is(await isSeen('meanwhile'), undefined);
  t.regex(await registry.getSingleMetricAsString('rest_client_requests_total'), /code="401",method="PUT"/);
  writeFileSync(join(mount, 'token'), await tokenBoundTo('new'));
  await eventually('the status that could not be written', () => isSeen('meanwhile'));
  stop.abort(new Error('the test is over'));
  await running;
});
