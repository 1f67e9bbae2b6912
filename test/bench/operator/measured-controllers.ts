/** The measured controllers, each in its own process: this operator, as in its image, and the peer in Go. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { jobResources } from '../../../src/cluster/ownedjobs/caches.ts';
import { operatorNodeFlags } from '../../../src/ground/contract/memory.ts';
import { cached, digestOf } from '../../cluster/cache.ts';
import type { ControlPlane } from '../../cluster/control-plane.ts';
import { run } from '../../cluster/run.ts';
import { asInTheImage } from '../measure.ts';
import { type BenchCluster, measuredUser, namespace } from './bench-cluster.ts';
import { startInPod } from './in-pod.ts';

export type MeasuredController = {
  readonly title: string;
  readonly start: (cluster: BenchCluster) => Promise<ChildProcess>;
};

const root = join(import.meta.dirname, '..', '..', '..');
/** Like /app of the image: package.json, and the JavaScript in `dist`. */
const app = join(root, 'node_modules', '.cache', 'bench-operator');

export const compileOperator = async (): Promise<void> => {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await run(tsc, ['-p', '.', '--noEmit', 'false', '--outDir', join(app, 'dist')], { cwd: root });
  copyFileSync(join(root, 'package.json'), join(app, 'package.json'));
};

/** As its image and its Deployment run it. `nodeFlags` come last, so that they count. */
export const startOperator = (
  plane: ControlPlane,
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): ChildProcess =>
  startInPod(plane, {
    user: measuredUser,
    command: [
      process.execPath,
      ...operatorNodeFlags,
      ...nodeFlags,
      join(app, 'dist', 'operator.js'),
      ...['--metrics-bind', '127.0.0.1:0', '--probe-bind', '127.0.0.1:0'],
      ...args,
    ],
    env: asInTheImage,
  });

export const operatorWith = (nodeFlags: readonly string[]): MeasuredController => ({
  title: 'this operator',
  start: async ({ plane }) => startOperator(plane, ['--namespace', namespace], nodeFlags),
});

type Job = {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: object };
  readonly spec: object & { readonly template: { readonly metadata: object; readonly spec: object } };
};
/** The manifests that the operator created, for the others to create. */
export type Templates = Readonly<Record<'export' | 'engine', object>>;

export const templatesOf = async ({ client, signal }: BenchCluster): Promise<Templates> => {
  const { items } = (await client.list(jobResources.jobs, { namespace }, signal)) as {
    items: readonly Job[];
  };
  const of = (stage: string): object => {
    const { metadata, spec } = items.find(
      ({ metadata: { labels } }) => labels['export.tlt.dev/stage'] === stage,
    )!;
    const labels = withoutServerLabels(metadata.labels);
    const { selector: _selector, template, ...rest } = spec as Job['spec'] & { selector?: unknown };
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { labels },
      spec: { ...rest, template: { ...template, metadata: { labels } } },
    };
  };
  return { export: of('export'), engine: of('engine') };
};

const withoutServerLabels = (labels: Readonly<Record<string, string>>): object =>
  Object.fromEntries(
    Object.entries(labels).filter(
      ([key]) =>
        !key.includes('controller-uid') && !key.includes('job-name') && !key.includes('model-export'),
    ),
  );

const peerFolder = join(import.meta.dirname, 'peer');

const peerBinary = (): Promise<string> =>
  cached(`bench-peer-${digestOf(peerFolder, ['main.go', 'go.mod', 'go.sum'])}`, async (path) => {
    await run('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', path, '.'], {
      cwd: peerFolder,
      env: { CGO_ENABLED: '0' },
      label: 'building the peer on controller-runtime (first run only)',
    });
  });

export const peer = (templates: Templates): MeasuredController => ({
  title: 'controller-runtime',
  start: async ({ plane }) => {
    const path = join(plane.folder, 'templates.json');
    writeFileSync(path, JSON.stringify(templates));
    return spawn(await peerBinary(), ['--templates', path], {
      env: { ...process.env, KUBECONFIG: plane.kubeconfigOf(measuredUser) },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
  },
});

/** Processor seconds so far, and peak resident memory in MiB, from /proc. */
export const usageOf = (pid: number): { readonly seconds: number; readonly mebibytes: number } => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1];
  return { seconds: (user! + system!) / ticksPerSecond, mebibytes: Number(peak) / 1024 };
};

const ticksPerSecond = 100;
