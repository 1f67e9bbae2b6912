/** The measured controllers, each in its own process: this operator, as in its image, and the peer in Go. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { jobResources } from '../../../src/cluster/ownedjobs/caches.ts';
import { cached, digestOf } from '../../cluster/cache.ts';
import { run } from '../../cluster/run.ts';
import { asInTheImage } from '../measure.ts';
import { contender, namespace, type World } from './world.ts';

export type Contender = {
  readonly title: string;
  readonly start: (world: World) => Promise<ChildProcess>;
};

const root = join(import.meta.dirname, '..', '..', '..');
const compiled = join(root, 'node_modules', '.cache', 'bench-operator');

/** Like the image: JavaScript, with the memory settings of the image. */
export const compileOperator = (): Promise<string> =>
  run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', '.', '--noEmit', 'false', '--outDir', compiled], {
    cwd: root,
  });

export const startOperator = (kubeconfig: string, args: readonly string[] = []): ChildProcess =>
  spawn(
    process.execPath,
    [
      join(compiled, 'operator.js'),
      ...['--metrics-bind', '127.0.0.1:0', '--probe-bind', '127.0.0.1:0'],
      ...args,
    ],
    { env: { ...process.env, ...asInTheImage, KUBECONFIG: kubeconfig }, stdio: 'ignore' },
  );

export const operator: Contender = {
  title: 'this operator',
  start: async ({ plane }) => startOperator(plane.kubeconfigOf(contender), ['--namespace', namespace]),
};

type Job = {
  readonly metadata: { readonly labels: Readonly<Record<string, string>>; readonly annotations?: object };
  readonly spec: object & { readonly template: { readonly metadata: object; readonly spec: object } };
};
/** The manifests that the operator created, for the others to create. */
export type Templates = Readonly<Record<'export' | 'engine', object>>;

export const templatesOf = async ({ client, signal }: World): Promise<Templates> => {
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

export const peer = (templates: Templates): Contender => ({
  title: 'controller-runtime',
  start: async ({ plane }) => {
    const path = join(plane.folder, 'templates.json');
    writeFileSync(path, JSON.stringify(templates));
    return spawn(await peerBinary(), ['--templates', path], {
      env: { ...process.env, KUBECONFIG: plane.kubeconfigOf(contender) },
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
