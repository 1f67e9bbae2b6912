/**
 * In-cluster configuration. client-node provides it too, but takes 36 MB and half a second of processor time to load.
 */
import { existsSync } from 'node:fs';
import https from 'node:https';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { type Connection, makeConnection } from './connection.ts';
import { makeRenewedFile } from './renewed-file.ts';

/** Where the kubelet mounts token and certificate authority; it renews both in place. */
const mountedFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A connection with the pod's ServiceAccount; undefined outside pods, or if KUBECONFIG is set. The token is that of
 * the time of each request, and the certificate authority that of each connection, because both change while the pod runs
 * (Kubernetes, "Accessing the Kubernetes API from a Pod").
 */
export const connectFromPod = (env: Environment, folder = mountedFolder): Connection | undefined => {
  const { KUBECONFIG: kubeconfig, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const [token, authority] = [join(folder, 'token'), join(folder, 'ca.crt')];
  if (kubeconfig || !host || !port || !existsSync(token)) return undefined;
  const [readToken, readAuthority] = [makeRenewedFile(token), makeRenewedFile(authority)];
  const agent = new AuthorityAgent({ keepAlive: true }, readAuthority);
  return makeConnection(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`, async (options) => {
    const authorization = `Bearer ${readToken().trim()}`;
    const headers = { ...options.headers, authorization };
    Object.assign(options, { agent, headers });
  });
};

/**
 * Connections to one server, each verified with the certificate authority of the time when it was opened. node:https compares
 * the authority as text, a name of some kilobytes for each request.
 */
class AuthorityAgent extends https.Agent {
  readonly #readAuthority: () => string;

  constructor(options: https.AgentOptions, readAuthority: () => string) {
    super(options);
    this.#readAuthority = readAuthority;
  }

  override getName(): string {
    return 'apiserver';
  }

  override createConnection(...[options, callback]: Parameters<https.Agent['createConnection']>) {
    return super.createConnection({ ...options, ca: this.#readAuthority() } as typeof options, callback);
  }
}
