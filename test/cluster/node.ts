/** One node: a kubelet with a containerd of its own, in folders, sockets and cgroups of its own. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { constants as osConstants, setPriority } from 'node:os';
import { join } from 'node:path';
import { containerdFolder, kubeBinary } from './binaries.ts';
import { type Background, background, eventually, run } from './run.ts';

export type NodeOptions = {
  readonly name: string;
  /** 0 or 1: decides ports and the pod subnet. */
  readonly index: number;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly labels: Readonly<Record<string, string>>;
};

export interface TestNode {
  readonly name: string;
  /** Loads an image archive into this node's containerd. */
  load(archive: string): Promise<void>;
  stop(): Promise<void>;
}

/** Sockets need short paths; everything of a cluster that is not below its folder starts with this. */
export const runFolder = '/run/tlt-test';
export const cgroupPrefix = 'tlt-test';
export const pauseImage = 'localhost/tlt-test-pause:dev';

export const startNode = async (options: NodeOptions, pauseArchive: string): Promise<TestNode> => {
  const { name, folder } = options;
  const state = join(runFolder, name);
  for (const path of [join(folder, 'kubelet'), join(folder, 'cni'), state])
    mkdirSync(path, { recursive: true });
  makeCgroup(name);
  const tools = await containerdFolder();
  const path = `${tools}:/usr/sbin:/usr/bin:/sbin:/bin`;
  const socket = join(state, 'containerd.sock');
  const ctr = (...args: string[]) =>
    run(join(tools, 'ctr'), ['--address', socket, '--namespace', 'k8s.io', ...args]);
  const load = async (archive: string) => {
    await ctr('images', 'import', '--local', archive);
  };
  const parts: Background[] = [];
  const stop = async (): Promise<void> => {
    await parts[1]?.stop();
    await removeContainers(ctr);
    await parts[0]?.stop();
    await killShims(socket);
    await unmountBelow([folder, state]);
    rmSync(state, { recursive: true, force: true });
    removeCgroup(name);
  };
  try {
    writeFileSync(join(folder, 'containerd.toml'), containerdConfig(options, state));
    writeFileSync(join(folder, 'cni', '10-ptp.conflist'), networkConfig(options));
    const containerd = ['--config', join(folder, 'containerd.toml')];
    const runtime = background(join(tools, 'containerd'), containerd, {
      log: join(folder, 'containerd.log'),
      env: { PATH: path },
    });
    parts.push(runtime);
    // Pods inherit it. Theirs is the longest chain of a test run, so they go before the tests beside them.
    setPriority(runtime.pid, osConstants.priority.PRIORITY_ABOVE_NORMAL);
    await eventually(`containerd of ${name}`, async () => ((await ctr('version')) ? true : undefined));
    await load(pauseArchive);
    writeFileSync(join(folder, 'kubelet.json'), kubeletConfig(options, socket));
    const kubelet = ['kubelet', ...kubeletFlags(options)];
    parts.push(
      background(await kubeBinary(), kubelet, { log: join(folder, 'kubelet.log'), env: { PATH: path } }),
    );
    return { name, load, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

/** NRI is off because its socket has one place for the whole machine, and two containerds would race for it. */
const containerdConfig = ({ folder }: NodeOptions, state: string): string => `version = 3
root = "${folder}/containerd"
state = "${state}/containerd"
[grpc]
address = "${state}/containerd.sock"
[ttrpc]
address = "${state}/containerd.sock.ttrpc"
[plugins.'io.containerd.nri.v1.nri']
disable = true
[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["/usr/lib/cni"]
conf_dir = "${folder}/cni"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "${pauseImage}"
`;

/** Point-to-point: each pod has one wire to the host, and the host answers at the Service address of the apiserver. */
const networkConfig = ({ index, folder }: NodeOptions): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: `tlt-test-${index}`,
    plugins: [
      {
        type: 'ptp',
        ipam: {
          type: 'host-local',
          dataDir: join(folder, 'cni-state'),
          ranges: [[{ subnet: `10.98.${index}.0/24` }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  });

const kubeletConfig = ({ name, index, folder }: NodeOptions, socket: string): string =>
  JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: join(folder, '..', 'kubelet-client.crt') },
    },
    authorization: { mode: 'AlwaysAllow' },
    podLogsDir: join(folder, 'logs'),
    port: 20250 + index,
    healthzPort: 20350 + index,
    containerRuntimeEndpoint: `unix://${socket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupPrefix}-${name}`,
    cgroupsPerQOS: true,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    resolvConf: '',
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    nodeStatusUpdateFrequency: '5s',
    syncFrequency: '10s',
    shutdownGracePeriod: '0s',
  });

const kubeletFlags = ({ name, folder, kubeconfig, labels }: NodeOptions): readonly string[] => [
  `--config=${folder}/kubelet.json`,
  `--kubeconfig=${kubeconfig}`,
  `--root-dir=${folder}/kubelet`,
  `--cert-dir=${folder}/certs`,
  `--hostname-override=${name}`,
  `--node-labels=${Object.entries(labels)
    .filter(([key]) => !key.startsWith('kubernetes.io/'))
    .map(([key, value]) => `${key}=${value}`)
    .join(',')}`,
  '--v=1',
];

const hierarchies = (): readonly string[] =>
  existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? ['/sys/fs/cgroup']
    : readdirSync('/sys/fs/cgroup').map((controller) => join('/sys/fs/cgroup', controller));

/** The kubelet wants its root to be there in every hierarchy; a new cpuset has neither processors nor memory nodes. */
const makeCgroup = (name: string): void => {
  for (const hierarchy of hierarchies()) {
    const group = join(hierarchy, `${cgroupPrefix}-${name}`);
    mkdirSync(group, { recursive: true });
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (existsSync(join(hierarchy, file)) && existsSync(join(group, file)))
        writeFileSync(join(group, file), readFileSync(join(hierarchy, file)));
  }
};

/** Innermost first: a cgroup with children cannot be removed. */
export const removeCgroup = (name: string): void => {
  const remove = (group: string): void => {
    if (!existsSync(group)) return;
    for (const entry of readdirSync(group, { withFileTypes: true }))
      if (entry.isDirectory()) remove(join(group, entry.name));
    try {
      rmdirSync(group);
    } catch {
      // A process that is just ending still holds it; the next start clears it.
    }
  };
  for (const hierarchy of hierarchies()) remove(join(hierarchy, `${cgroupPrefix}-${name}`));
};

const removeContainers = async (ctr: (...args: string[]) => Promise<string>): Promise<void> => {
  try {
    const running = (await ctr('tasks', 'list', '-q')).split('\n').filter((id) => id !== '');
    await Promise.all(running.map((id) => ctr('tasks', 'kill', '-s', 'SIGKILL', '-a', id).catch(() => {}))); // Ended meanwhile.
    const left = async () => ((await ctr('tasks', 'list')).includes('RUNNING') ? undefined : true);
    await eventually('containers to end', left, 10_000);
  } catch {
    // containerd does not answer any more: its shims are ended below.
  }
};

/** A shim outlives its containerd on purpose; it is known by the socket on its command line. */
export const killShims = async (socket: string): Promise<void> => {
  await run('pkill', ['-KILL', '-f', `containerd-shim-runc-v2 .*${socket}`]).catch(() => {}); // None was left.
};

/** Deepest first, so that no mount hides another one. */
export const unmountBelow = async (folders: readonly string[]): Promise<void> => {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
    .sort((a, b) => b.length - a.length);
  for (const point of points) await run('umount', ['-l', point]).catch(() => {}); // Went with the one above it.
};
