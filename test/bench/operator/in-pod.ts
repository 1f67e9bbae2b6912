/** Starts the operator with what a pod has: its ServiceAccount's token and authority where the kubelet mounts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { ControlPlane } from '../../cluster/control-plane.ts';

/** A mount namespace of its own, so that nothing of it is seen outside. `exec` keeps the process id. */
const mounted = [
  'mount -t tmpfs tmpfs /var/run',
  'mkdir -p /var/run/secrets/kubernetes.io',
  'cp -r "$1" /var/run/secrets/kubernetes.io/serviceaccount',
  'shift',
  'exec "$@"',
].join(' && ');

const withoutRoot = process.getuid?.() === 0 ? [] : ['--map-root-user'];

export type PodProcess = {
  /** Whose token it has. */
  readonly user: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

export const startInPod = (plane: ControlPlane, { user, command, env }: PodProcess): ChildProcess => {
  const identity = writeIdentity(plane, user);
  const { hostname, port } = new URL(plane.url);
  const { KUBECONFIG: _, ...outside } = process.env;
  const child = spawn(
    'unshare',
    ['--mount', ...withoutRoot, 'sh', '-c', mounted, 'sh', identity, ...command],
    {
      env: { ...outside, ...env, KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port },
      stdio: 'ignore',
    },
  );
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.removeListener('exit', end));
  return child;
};

type Kubeconfig = { readonly users: readonly [{ readonly user: { readonly token: string } }] };

const writeIdentity = (plane: ControlPlane, user: string): string => {
  const { users } = JSON.parse(readFileSync(plane.kubeconfigOf(user), 'utf8')) as Kubeconfig;
  const folder = join(plane.folder, `identity-${user}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'token'), users[0].user.token);
  writeFileSync(join(folder, 'ca.crt'), plane.ca);
  return folder;
};
