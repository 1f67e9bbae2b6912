/** In-cluster configuration, against a real apiserver. */
import { getEventListeners } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ApiError } from '../../src/cluster/runtime/api-error.ts';
import { connectFromPod } from '../../src/cluster/runtime/service-account.ts';
import { aClient } from '../builders/client.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';

const reviews = { group: 'authentication.k8s.io', version: 'v1', plural: 'selfsubjectreviews' } as const;
const never = new AbortController().signal;
let plane: ControlPlane;

test.before(async () => {
  plane = await startControlPlane();
});

test.after.always(() => plane?.stop());

const tokenOf = async (name: string): Promise<string> => {
  const path = '/api/v1/namespaces/default/serviceaccounts';
  await plane.ask(path, { method: 'POST', body: { metadata: { name } } });
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = JSON.parse(await plane.ask(`${path}/${name}/token`, { method: 'POST', body: request }));
  return answer.status.token;
};

/** The mounted folder and the environment, as a kubelet provides them. */
const aPod = () => {
  const { hostname, port } = new URL(plane.url);
  const folder = mkdtempSync(join(tmpdir(), 'tlt-service-account-'));
  writeFileSync(join(folder, 'ca.crt'), plane.ca);
  const mount = (token: string) => writeFileSync(join(folder, 'token'), `${token}\n`);
  return { folder, mount, env: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port } };
};

test('a pod authenticates with its token, and uses a renewed token from the next request on', async (t) => {
  const { folder, mount, env } = aPod();
  mount(await tokenOf('before'));
  const connection = connectFromPod(env, folder)!;
  const client = aClient(connection);
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const name = async () => {
    const { status } = (await client.review(reviews, {}, review, never)) as {
      status: { userInfo: { username: string } };
    };
    return status.userInfo.username;
  };
  t.is(await name(), 'system:serviceaccount:default:before');
  mount(await tokenOf('after'));
  t.is(await name(), 'system:serviceaccount:default:after');
  mount('worn out');
  t.is((await t.throwsAsync(name(), { instanceOf: ApiError })).status, 401);
});

test('requests leave no listener on their signal, and end with it', async (t) => {
  const { folder, mount, env } = aPod();
  mount(await tokenOf('many'));
  const client = aClient(connectFromPod(env, folder)!);
  const stop = new AbortController();
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const lane = async () => {
    for (let i = 0; i < 20; i++) await client.review(reviews, {}, review, stop.signal);
  };
  await Promise.all([lane(), lane()]);
  t.is(getEventListeners(stop.signal, 'abort').length, 0);
  const cut = client.review(reviews, {}, review, stop.signal);
  stop.abort(new Error('the caller has left'));
  t.is((await t.throwsAsync(cut)).message, 'the caller has left');
  const late = client.review(reviews, {}, review, stop.signal);
  t.is((await t.throwsAsync(late)).message, 'the caller has left');
});

test('an apiserver with a certificate of another authority is rejected', async (t) => {
  const { folder, mount, env } = aPod();
  mount('a token');
  writeFileSync(join(folder, 'ca.crt'), '');
  const connection = connectFromPod(env, folder)!;
  const failure = await t.throwsAsync(connection.send({ method: 'GET', path: '/readyz', signal: never }));
  t.regex(failure.message, /certificate/);
});

test('there is no in-cluster connection outside a pod or if KUBECONFIG is set', (t) => {
  const { folder, mount, env } = aPod();
  t.is(connectFromPod(env, folder), undefined, 'no token is mounted');
  mount('a token');
  t.is(connectFromPod({}, folder), undefined);
  t.is(connectFromPod({ ...env, KUBECONFIG: '/config' }, folder), undefined);
  t.is(
    connectFromPod({ ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, folder)!.host,
    `[fd00::1]:${env.KUBERNETES_SERVICE_PORT}`,
  );
});
