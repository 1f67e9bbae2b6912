/** Builds the programs of a cluster once; only Go modules are downloaded. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { cached, digestOf } from './cache.ts';
import { run } from './run.ts';

const kubeVersion = 'v1.36.3';
const containerdVersion = 'v2.4.2';
const kubeFolder = join(import.meta.dirname, 'kube');

export type ControlPlanePrograms = {
  readonly etcd: readonly string[];
  readonly apiserver: readonly string[];
};

/** One static binary for all of Kubernetes and etcd. About six minutes on two cores the first time. */
export const kubeBinary = (): Promise<string> =>
  cached(`kube-${digestOf(kubeFolder, ['main.go', 'go.mod', 'go.sum'], kubeVersion)}`, async (path) => {
    const [major, minor] = kubeVersion.slice(1).split('.');
    const variable = (name: string, value: string) => `-X k8s.io/component-base/version.${name}=${value}`;
    const flags = [
      '-s -w',
      variable('gitVersion', kubeVersion),
      variable('gitMajor', major!),
      variable('gitMinor', minor!),
    ];
    await run('go', ['build', '-trimpath', '-ldflags', flags.join(' '), '-o', path, '.'], {
      cwd: kubeFolder,
      env: { CGO_ENABLED: '0' },
      label: `building Kubernetes ${kubeVersion} (first run only, about 6 minutes)`,
    });
  });

/** If `KUBEBUILDER_ASSETS` contains etcd and kube-apiserver, they are used. */
export const controlPlanePrograms = async (): Promise<ControlPlanePrograms> => {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets !== undefined && ['etcd', 'kube-apiserver'].every((name) => existsSync(join(assets, name))))
    return { etcd: [join(assets, 'etcd')], apiserver: [join(assets, 'kube-apiserver')] };
  const kube = await kubeBinary();
  return { etcd: [kube, 'etcd'], apiserver: [kube, 'kube-apiserver'] };
};

const goInstalled = (name: string, module: string): Promise<string> =>
  cached(`${name}-${containerdVersion}`, async (path) => {
    const folder = `${path}.gobin`;
    await run('go', ['install', `${module}@${containerdVersion}`], {
      env: { CGO_ENABLED: '0', GOBIN: folder },
      label: `building ${name} ${containerdVersion} (first run only)`,
    });
    copyFileSync(join(folder, name), path);
  });

const containerd = 'github.com/containerd/containerd/v2/cmd';

/** containerd finds its shim on PATH by this name, so all three programs are in one folder under their own names. */
export const containerdFolder = (): Promise<string> =>
  cached(`containerd-${containerdVersion}-bin`, async (path) => {
    const { mkdirSync } = await import('node:fs');
    mkdirSync(path, { recursive: true });
    for (const name of ['containerd', 'containerd-shim-runc-v2', 'ctr'])
      copyFileSync(await goInstalled(name, `${containerd}/${name}`), join(path, name));
  });
