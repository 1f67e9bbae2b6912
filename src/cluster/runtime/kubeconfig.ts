/**
 * A connection from a kubeconfig, with any authentication method that it names. The only file that uses client-node.
 */
import http from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';
import { type Connection, makeConnection } from './connection.ts';

/**
 * Uses the file if one is given, else KUBECONFIG, else the default context of the user.
 * @throws Error if no cluster is configured
 */
export const connectByKubeconfig = (kubeconfig?: string): Connection => {
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('no cluster is configured: set KUBECONFIG, or run in a pod');
  return makeConnection(server, async (options) => {
    await config.applyToHTTPSOptions(options);
    enableKeepAlive(options.agent);
  });
};

/** client-node creates one agent per cluster without keep-alive, so each request would open a TLS session. */
const enableKeepAlive = (agent: unknown): void => {
  if (agent instanceof http.Agent && !(agent as { keepAlive?: boolean }).keepAlive)
    Object.assign(agent, { keepAlive: true });
};
