/** A pod with logs, without a kubelet that runs it. */
import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { makeSelfSignedCertificate } from '../../src/cluster/runtime/self-signed.ts';
import type { Ask } from '../cluster/requests.ts';

/** The log endpoint of a kubelet: the apiserver asks it. By default each log is the path of its request. */
export const startKubelet = async (
  t: ExecutionContext,
  logOf = (url: string) => `${url.split('?')[0]}\n`,
): Promise<number> => {
  const certificate = makeSelfSignedCertificate('kubelet', { now: Date.now(), days: 1 });
  const server = https.createServer(certificate, (request, response) =>
    response.end(logOf(request.url ?? '')),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
};

export type LoggingPod = { readonly namespace: string; readonly owner: string; readonly port: number };

/** The node `logging`, whose kubelet listens on this port. */
export const makeNode = async (ask: Ask, port: number): Promise<void> => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'logging' } };
  await ask('/api/v1/nodes', { method: 'POST', body: node });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
    conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: new Date().toISOString() }],
  };
  // Without a resourceVersion, because the node controller may have changed the node meanwhile.
  await ask('/api/v1/nodes/logging/status', { method: 'PUT', body: { ...node, status } });
};

/** A Job of the export and its pod, on a node whose kubelet listens on this port. */
export const makePod = async (ask: Ask, { namespace, owner, port }: LoggingPod): Promise<void> => {
  await makeNode(ask, port);
  const core = `/api/v1/namespaces/${namespace}`;
  const ours = { 'export.tlt.dev/model-export': owner, 'export.tlt.dev/stage': 'export' };
  const container = (name: string) => ({ name, image: 'worker:dev' });
  const template = {
    metadata: { labels: ours },
    spec: { restartPolicy: 'Never', containers: [container('export')] },
  };
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: `${owner}-job`, labels: ours } };
  await ask(`/apis/batch/v1/namespaces/${namespace}/jobs`, {
    method: 'POST',
    body: { ...job, spec: { template } },
  });
  const labels = { ...ours, 'batch.kubernetes.io/job-name': `${owner}-job` };
  const spec = {
    nodeName: 'logging',
    automountServiceAccountToken: false,
    initContainers: [container('stage')],
    containers: [container('export')],
  };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: `${owner}-pod`, labels } };
  const stored = JSON.parse(await ask(`${core}/pods`, { method: 'POST', body: { ...pod, spec } })) as object;
  const state = (name: string, found: object) => ({
    ...container(name),
    imageID: '',
    ready: true,
    restartCount: 0,
    state: found,
  });
  const podStatus = {
    phase: 'Running',
    initContainerStatuses: [state('stage', { terminated: { exitCode: 0 } })],
    containerStatuses: [state('export', { running: {} })],
  };
  await ask(`${core}/pods/${owner}-pod/status`, {
    method: 'PUT',
    body: { ...stored, status: podStatus },
  });
};
