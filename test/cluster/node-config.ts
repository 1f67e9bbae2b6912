/** Configuration of containerd, the network and the kubelet of a node. */
import { join } from 'node:path';
import { cgroupOf } from './cgroups.ts';

export type NodeOptions = {
  readonly name: string;
  /** 0 or 1: determines ports and the pod subnet. */
  readonly index: number;
  /** Below the folder of the control plane. */
  readonly folder: string;
  readonly labels: Readonly<Record<string, string>>;
};

export const pauseImage = 'localhost/tlt-test-pause:dev';

export type ContainerdOptions = {
  /** Images and snapshots. */
  readonly root: string;
  /** Sockets and mounts; a short path. */
  readonly state: string;
  /** Configuration of the network. */
  readonly cni: string;
};

/** NRI is disabled because its socket has a fixed path, for which two containerds would race. */
export const containerdConfig = ({ root, state, cni }: ContainerdOptions): string => `version = 3
root = "${root}"
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
conf_dir = "${cni}"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "${pauseImage}"
`;

/** Point-to-point: each pod has one veth to the host, which answers at the Service address of the apiserver. */
export const networkConfig = ({ index, folder }: NodeOptions): string =>
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

export const kubeletConfig = ({ name, index, folder }: NodeOptions, socket: string): string =>
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
    cgroupRoot: `/${cgroupOf(name)}`,
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

export const kubeletFlags = (
  { name, folder, labels }: NodeOptions,
  kubeconfig: string,
): readonly string[] => [
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
