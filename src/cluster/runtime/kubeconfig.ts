/** A connection by a kubeconfig, with whatever way to prove oneself it names: the only place that touches client-node. */
import http from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';
import { type Connection, makeConnection } from './connection.ts';

/** By the file if one is named, else by KUBECONFIG, else by the user's default context. */
export const connectByKubeconfig = (kubeconfig?: string): Connection => {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('no cluster: set KUBECONFIG, or run inside a pod');
  return makeConnection(server, async (options) => {
    await config.applyToHTTPSOptions(options);
    enableKeepAlive(options.agent);
  });
};

/** client-node makes one agent per cluster but leaves out keep-alive, so each request would open a TLS session. */
const enableKeepAlive = (agent: unknown): void => {
  if (agent instanceof http.Agent && !(agent as { keepAlive?: boolean }).keepAlive)
    Object.assign(agent, { keepAlive: true });
};
