/** A real etcd and kube-apiserver on loopback, optionally with controllers and scheduler. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { controlPlanePrograms, kubeBinary } from './binaries.ts';
import { kubeconfigOf, writeCredentials } from './credentials.ts';
import { freePort } from './free-port.ts';
import { tiedFolder } from './outlived.ts';
import { type Ask, requestsTo } from './requests.ts';
import { type Background, background, eventually, run } from './run.ts';

export type ControlPlaneOptions = {
  /** Folder for state and logs. Defaults to a temporary folder, which is removed at the end. */
  readonly folder?: string;
  /** Writes requests that change objects, and all of pods, to an audit log; or what only these users change. */
  readonly audit?: boolean | readonly string[];
  /** Additional administrators; each has its own kubeconfig. */
  readonly users?: readonly string[];
  /** Removes the client-side rate limits of controllers and scheduler, and gives them more workers. */
  readonly unthrottled?: boolean;
  readonly controllerManager?: boolean;
  readonly scheduler?: boolean;
  /** Address of the apiserver. Defaults to a free port on loopback. */
  readonly listen?: { readonly address: string; readonly port: number };
};

export interface ControlPlane {
  readonly folder: string;
  readonly url: string;
  /** The certificate authority of the apiserver. */
  readonly ca: Buffer;
  /** A kubeconfig file of a cluster administrator. */
  readonly kubeconfig: string;
  readonly auditLog: string;
  /** The kubeconfig file of one of `users`. */
  kubeconfigOf(user: string): string;
  /** Runs kubectl with this kubeconfig; returns standard output. */
  kubectl(args: readonly string[], input?: string | Uint8Array): Promise<string>;
  /** The process of each program. */
  readonly pids: Readonly<Record<string, number>>;
  /** Where etcd answers, also by its JSON gateway. */
  readonly etcdUrl: string;
  /** Kills the apiserver as a node failure does, calls `meanwhile`, and resolves once it answers again. */
  restartApiserver(meanwhile?: () => Promise<void>): Promise<void>;
  /** Requests of the administrator without kubectl, whose process costs a hundred times as much. */
  readonly ask: Ask;
  stop(): Promise<void>;
}

/** Addresses of Services; the first one is that of the apiserver. */
export const serviceSubnet = '10.97.0.0/24';
export const kubernetesServiceAddress = '10.97.0.1';

const auditPolicy = (users: readonly string[]): string =>
  JSON.stringify({
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      ...(users.length > 0 ? [] : [{ level: 'Metadata', userGroups: ['system:serviceaccounts'] }]),
      { level: 'None', verbs: ['get', 'list', 'watch'] },
      { level: 'Metadata', ...(users.length > 0 && { users }) },
    ],
  });

export const startControlPlane = async (options: ControlPlaneOptions = {}): Promise<ControlPlane> => {
  const programs = await controlPlanePrograms();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'tlt-control-plane-'));
  const keepFolder = options.folder === undefined ? tiedFolder(folder) : () => {};
  const parts: Background[] = [];
  const pids: Record<string, number> = {};
  const onExit = () => {
    for (const { pid } of parts) killGroup(pid);
  };
  process.once('exit', onExit);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', onExit);
    for (const part of parts.reverse()) await part.stop();
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    keepFolder();
  };
  const start = (name: string, [command, ...args]: readonly string[]): Background => {
    const part = background(command!, args, { log: join(folder, `${name}.log`), env: littleCollection });
    parts.push(part);
    pids[name] = part.pid;
    return part;
  };
  try {
    const [client, peer] = [await freePort(), await freePort()];
    const listen = options.listen ?? { address: '127.0.0.1', port: await freePort() };
    start('etcd', [...programs.etcd, ...etcdFlags(folder, client, peer)]);
    const users = options.users ?? [];
    const { tokens, ca } = await writeCredentials(folder, listen.address, users);
    const token = tokens[0]!;
    writeFileSync(
      join(folder, 'audit-policy.yaml'),
      auditPolicy(typeof options.audit === 'object' ? options.audit : []),
    );
    const apiserver = [
      ...programs.apiserver,
      ...apiserverFlags(folder, client, { listen, audit: Boolean(options.audit) }),
    ];
    let serving = start('apiserver', apiserver);
    const url = `https://${listen.address}:${listen.port}`;
    const kubeconfig = join(folder, 'admin.kubeconfig');
    const ask = requestsTo({ url, token, ca });
    await eventually('kube-apiserver', () => ask('/readyz'));
    const pathOf = (user: string) => join(folder, `${user}.kubeconfig`);
    for (const [i, user] of ['admin', ...users].entries())
      writeFileSync(pathOf(user), kubeconfigOf(url, tokens[i]!, ca), { mode: 0o600 });
    const kubectl = (args: readonly string[], input?: string | Uint8Array) =>
      run('kubectl', ['--kubeconfig', kubeconfig, ...args], input === undefined ? {} : { input });
    const controllers = [
      ...(options.controllerManager
        ? ([['kube-controller-manager', managerFlags(folder, kubeconfig)]] as const)
        : []),
      ...(options.scheduler ? ([['kube-scheduler', schedulerFlags(kubeconfig)]] as const) : []),
    ];
    for (const [name, flags] of controllers)
      start(name, [await kubeBinary(), name, ...flags, ...(options.unthrottled ? unthrottled[name] : [])]);
    await eventually('the default namespace', () => ask('/api/v1/namespaces/default'));
    const restartApiserver = async (meanwhile = async () => {}): Promise<void> => {
      killGroup(serving.pid);
      await serving.exited;
      await meanwhile();
      serving = start('apiserver', apiserver);
      await eventually('kube-apiserver', () => ask('/readyz'));
    };
    const auditLog = join(folder, 'audit.log');
    const etcdUrl = `http://127.0.0.1:${client}`;
    const about = { folder, url, etcdUrl, ca, kubeconfig, auditLog, pids };
    return { ...about, kubeconfigOf: pathOf, kubectl, restartApiserver, ask, stop };
  } catch (thrown) {
    const log = tail(join(folder, 'apiserver.log'));
    await stop();
    throw new Error(
      `the control plane did not start: ${thrown instanceof Error ? thrown.message : thrown}\n${log}`,
      {
        cause: thrown,
      },
    );
  }
};

/**
 * Collects garbage when the heap has grown fivefold instead of twofold: saves a tenth of the work of such short-lived
 * servers.
 */
const littleCollection = { GOGC: '400' };

const etcdFlags = (folder: string, client: number, peer: number): readonly string[] => [
  `--data-dir=${folder}/etcd`,
  `--listen-client-urls=http://127.0.0.1:${client}`,
  `--advertise-client-urls=http://127.0.0.1:${client}`,
  `--listen-peer-urls=http://127.0.0.1:${peer}`,
  '--unsafe-no-fsync',
  '--log-level=error',
];

type ApiserverOptions = {
  readonly listen: NonNullable<ControlPlaneOptions['listen']>;
  readonly audit: boolean;
};

const apiserverFlags = (
  folder: string,
  etcd: number,
  { listen, audit }: ApiserverOptions,
): readonly string[] => [
  `--etcd-servers=http://127.0.0.1:${etcd}`,
  `--bind-address=${listen.address}`,
  `--advertise-address=${listen.address}`,
  `--secure-port=${listen.port}`,
  `--cert-dir=${folder}/certs`,
  `--token-auth-file=${folder}/tokens.csv`,
  '--authorization-mode=Node,RBAC',
  `--service-account-key-file=${folder}/sa.key`,
  `--service-account-signing-key-file=${folder}/sa.key`,
  '--service-account-issuer=https://kubernetes.default.svc',
  '--endpoint-reconciler-type=none',
  `--service-cluster-ip-range=${serviceSubnet}`,
  '--kubelet-preferred-address-types=InternalIP',
  `--kubelet-client-certificate=${folder}/kubelet-client.crt`,
  `--kubelet-client-key=${folder}/kubelet-client.key`,
  '--allow-privileged=true',
  ...(audit
    ? [`--audit-policy-file=${folder}/audit-policy.yaml`, `--audit-log-path=${folder}/audit.log`]
    : []),
];

const managerFlags = (folder: string, kubeconfig: string): readonly string[] => [
  `--kubeconfig=${kubeconfig}`,
  '--leader-elect=false',
  `--service-account-private-key-file=${folder}/sa.key`,
  `--root-ca-file=${folder}/certs/apiserver.crt`,
  '--use-service-account-credentials=false',
  '--secure-port=0',
  // A node without a kubelet, or with a slow one, stays as the test describes it.
  '--node-monitor-grace-period=1h',
  '--node-startup-grace-period=1h',
];

const schedulerFlags = (kubeconfig: string): readonly string[] => [
  `--kubeconfig=${kubeconfig}`,
  '--leader-elect=false',
  '--secure-port=0',
];

const noLimit = ['--kube-api-qps=5000', '--kube-api-burst=10000'] as const;
const unthrottled = {
  'kube-controller-manager': [...noLimit, '--concurrent-job-syncs=20'],
  'kube-scheduler': noLimit,
} as const;

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already ended.
  }
};

const tail = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').slice(-2000);
  } catch {
    return ''; // It wrote no log.
  }
};
