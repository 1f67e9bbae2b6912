/**
 * Steps of both the demo and the end-to-end test: install the operator, prepare a model and photos, apply the sample.
 */
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { parse } from 'yaml';
import type { CalibrationTensorfile } from '../../src/cluster/api/calibration-tensorfile.ts';
import type { ModelExport, ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import type { DemoCluster } from '../cluster/cluster.ts';
import { modelFile } from '../models/models.ts';
import { photosFolder } from '../photos/photos.ts';
import { collectEvidence } from './evidence.ts';

export const root = join(import.meta.dirname, '..', '..');
export const demoKey = 'correct horse battery staple';
export const namespace = 'vision';
export const operatorNamespace = 'tlt-export-system';
export const sampleName = 'text-orientation';

/**
 * Installs CRDs, namespace and operator, and waits until its pod is ready.
 * @param flags of the operator, in addition to those of deploy/
 */
export const installOperator = async (
  { kubectl }: DemoCluster,
  flags: readonly string[] = [],
): Promise<void> => {
  for (const folder of [join(root, 'deploy/prerequisites/cluster'), makeOverlay(flags)])
    await kubectl(['apply', '--server-side', '-k', folder]);
  await kubectl([
    'wait',
    '-n',
    operatorNamespace,
    '--for=condition=Available',
    'deployment/tlt-export-operator',
    '--timeout=90s',
  ]);
};

/** deploy/ itself, or a kustomization on it that adds flags. */
const makeOverlay = (flags: readonly string[]): string => {
  const base = join(root, 'deploy');
  if (flags.length === 0) return base;
  const folder = mkdtempSync(join(tmpdir(), 'tlt-overlay-'));
  const path = '/spec/template/spec/containers/0/args/-';
  const patch = JSON.stringify(flags.map((value) => ({ op: 'add', path, value })));
  const target = { kind: 'Deployment', name: 'tlt-export-operator' };
  writeFileSync(
    join(folder, 'kustomization.yaml'),
    JSON.stringify({ resources: [relative(folder, base)], patches: [{ target, patch }] }),
  );
  return folder;
};

/** Folders of the claims, if the cluster runs on this machine. */
export type Volumes = { readonly models: string | undefined; readonly exports: string | undefined };

/** Creates a namespace, claims with the packed model and the photos, and the Secret with the key. */
export const layOut = async (cluster: DemoCluster): Promise<Volumes> => {
  await cluster.addNamespace(namespace);
  const models = await cluster.fillClaim({ namespace, name: 'models' }, writeInputs);
  const exports = await cluster.fillClaim({ namespace, name: 'exports' }, async () => {});
  await addSecret(cluster, `${sampleName}-key`, demoKey);
  return { models, exports };
};

/** Writes the packed model and the photos. */
export const writeInputs = async (folder: string): Promise<void> => {
  const model = await encryptTlt(await readFile(modelFile('classifier')), demoKey);
  writeFileSync(join(folder, `${sampleName}.tlt`), model);
  mkdirSync(join(folder, 'calibration'));
  cpSync(await photosFolder(), join(folder, 'calibration'), { recursive: true });
};

export const addSecret = ({ kubectl }: DemoCluster, name: string, key: string): Promise<string> =>
  kubectl(
    ['apply', '-n', namespace, '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { key } }),
  );

const applySampleFile = ({ kubectl }: DemoCluster, file: string): Promise<string> =>
  kubectl(['apply', '-n', namespace, '-f', join(root, 'deploy', 'samples', file)]);

export const applyClasses = (cluster: DemoCluster): Promise<string> =>
  applySampleFile(cluster, 'device-classes.yaml');

export const applySample = async (cluster: DemoCluster): Promise<void> => {
  await applyClasses(cluster);
  await applySampleFile(cluster, 'model-export.yaml');
};

/** Applies the sample suspended, so that a watch can begin before anything happens. */
export const applySuspended = async (cluster: DemoCluster): Promise<void> => {
  await applyClasses(cluster);
  const sample = parse(await readFile(join(root, 'deploy/samples/model-export.yaml'), 'utf8')) as ModelExport;
  const suspended = { ...sample, spec: { ...sample.spec, suspend: true } };
  await cluster.kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(suspended));
};

/** Applies the sample as it is, which is not suspended. */
export const resumeSample = (cluster: DemoCluster): Promise<string> =>
  applySampleFile(cluster, 'model-export.yaml');

/** Creates a CalibrationTensorfile, and a ModelExport that references it. */
export const applyTensorfileSample = (cluster: DemoCluster): Promise<string> =>
  applySampleFile(cluster, 'tensorfile.yaml');

export const readTensorfile = async (
  { kubectl }: DemoCluster,
  name: string,
): Promise<CalibrationTensorfile> =>
  JSON.parse(await kubectl(['get', 'caltf', '-n', namespace, name, '-o', 'json'])) as CalibrationTensorfile;

export const readExport = async ({ kubectl }: DemoCluster, name: string): Promise<ModelExport> =>
  JSON.parse(await kubectl(['get', 'modelexport', '-n', namespace, name, '-o', 'json'])) as ModelExport;

type Expected = {
  readonly holds: (status: ModelExportStatus) => boolean;
  readonly limitMs: number;
  /** Prints the progress in status. */
  readonly tell?: boolean;
};

/**
 * The status as soon as `holds` accepts it; the error contains the last one otherwise, and what explains it. An apiserver that
 * ends the watch is watched again.
 */
export const untilStatus = async (
  cluster: DemoCluster,
  name: string,
  { holds, limitMs, tell }: Expected,
): Promise<ModelExportStatus> => {
  const end = performance.now() + limitMs;
  let last = '';
  for (let left = limitMs; left > 0; left = end - performance.now())
    for await (const text of cluster.watch(watched(name), Math.ceil(left))) {
      const status = JSON.parse(text || '{}') as ModelExportStatus;
      const line = `${status.progress ?? ''} ${conditionOf(status, 'Ready')?.message ?? ''}`;
      if (tell && line !== last) process.stderr.write(`  ${line}\n`);
      last = line;
      if (holds(status)) return status;
    }
  const evidence = await collectEvidence(cluster, name, { namespace, operatorNamespace });
  throw new Error(`ModelExport ${name}: not within ${limitMs / 1000} s (${last})\n${evidence}`);
};

const watched = (name: string): readonly string[] => [
  'modelexport',
  '-n',
  namespace,
  name,
  '-o',
  'jsonpath={.status}{"\\n"}',
];

export const conditionOf = (status: ModelExportStatus, type: string) =>
  status.conditions?.find((condition) => condition.type === type);

export const builtOf = ({ engines }: ModelExportStatus, name: string) =>
  engines?.find(({ deviceClass }) => deviceClass === name)?.conditions?.find(({ type }) => type === 'Built');

export const isReady = (status: ModelExportStatus): boolean =>
  conditionOf(status, 'Ready')?.status === 'True';
