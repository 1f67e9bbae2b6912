/** A connection from a kubeconfig, with any authentication method that it names. */
import http from 'node:http';
import { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../ground/base/clock.ts';
import { messageOf, UserError } from '../../ground/base/errors.ts';
import { type Connection, makeConnection } from './connection.ts';
import { makePodExec, type PodExec } from './pod-exec.ts';

/** A kubeconfig and the context in it; unset, they are those that kubectl would use. */
export type KubeconfigChoice = { readonly file?: string | undefined; readonly context?: string | undefined };

/** A cluster as the user of a kubeconfig accesses it. */
export type KubeconfigAccess = {
  readonly connection: Connection;
  /** Namespace of the context, if it has one. */
  readonly namespace: string | undefined;
  /** Runs commands in containers. */
  readonly makeExec: (clock: Clock) => PodExec;
};

/**
 * Connects to the cluster of a context.
 * @throws UserError InputNotFound for a missing file, context or cluster
 */
export const openKubeconfig = ({ file, context }: KubeconfigChoice): KubeconfigAccess => {
  const config = loadKubeconfig(file);
  if (context !== undefined) selectContext(config, context);
  const server = config.getCurrentCluster()?.server;
  if (server === undefined)
    throw new UserError(
      'InputNotFound',
      'Reading the kubeconfig: no cluster is configured. Set KUBECONFIG, or run in a pod.',
    );
  const connection = makeConnection(server, async (options) => {
    await config.applyToHTTPSOptions(options);
    enableKeepAlive(options.agent);
  });
  return {
    connection,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    makeExec: (clock) => makePodExec(config, clock),
  };
};

/** Connects to the cluster of the file if one is given, else of KUBECONFIG, else of the default context of the user. */
export const connectByKubeconfig = (file?: string): Connection => openKubeconfig({ file }).connection;

const loadKubeconfig = (file: string | undefined): KubeConfig => {
  const config = new KubeConfig();
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
    return config;
  } catch (thrown) {
    throw new UserError(
      'InputNotFound',
      `Reading the kubeconfig ${file ?? 'of KUBECONFIG'}: ${messageOf(thrown)}. Name an existing kubeconfig.`,
      { cause: thrown },
    );
  }
};

const selectContext = (config: KubeConfig, context: string): void => {
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context))
    throw new UserError(
      'InputNotFound',
      `Reading the kubeconfig: it has no context '${context}'. Its contexts are: ${names.join(', ')}.`,
    );
  config.setCurrentContext(context);
};

/** client-node creates one agent per cluster without keep-alive, so each request would open a TLS session. */
const enableKeepAlive = (agent: unknown): void => {
  if (agent instanceof http.Agent && !(agent as { keepAlive?: boolean }).keepAlive)
    Object.assign(agent, { keepAlive: true });
};
