/** Containers that write files, on a folder in place of a pod's mounts. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from '../../src/ground/base/digest.ts';
import { artifactFiles, buildReportFile, mounts, workFiles } from '../../src/ground/contract/layout.ts';
import type { EngineTask, TensorfileTask } from '../../src/ground/contract/task.ts';
import { anExportTask } from '../builders/export-task.ts';
import type { FaultCase } from './cases.ts';

/** Paths of the containers' inputs in these folders. */
export type PodData = {
  readonly model: string;
  readonly encrypted: string;
  readonly keyFile: string;
  readonly photos: string;
  readonly training: string;
};

const folder = 'pvc://exports/out';

const exportTask = anExportTask({ folder });

const tensorfileTask: TensorfileTask = {
  architecture: 'classification',
  experimentSpec: {},
  dataRoot: { uri: 'pvc://data/' },
  maxBatches: 2,
  useValidationSet: false,
  seed: 42,
  tensorfileKey: 'k',
  folder,
};

const engineTask = (encrypted: string): EngineTask => ({
  deviceClass: 'cpu',
  backend: 'OnnxRuntime',
  dataType: 'fp32',
  maxBatchSize: 4,
  maxWorkspaceSizeBytes: 2 ** 20,
  etlt: { uri: 'pvc://models/m.tlt', sha256: sha256(readFileSync(encrypted)) },
  settings: {},
  image: 'builder',
  engineKey: 'e',
  folder,
});

/** Writes an engine and a report like `build`, where `publish` reads them. */
export const workerCases = ({ encrypted }: PodData): readonly FaultCase[] => {
  const engine = engineTask(encrypted);
  const inPod = (
    command: string,
    task: object,
    outputs: Partial<FaultCase> & Pick<FaultCase, 'worker'>,
  ): FaultCase => ({
    name: `worker ${command}`,
    program: 'worker',
    args: () => [command, '--task', JSON.stringify(task)],
    plaintext: [],
    ...outputs,
  });
  const published = { mount: `${mounts.claims}/exports`, last: `out/${artifactFiles.manifest}` };
  return [
    inPod('export', exportTask, { worker: published }),
    inPod('tensorfile', tensorfileTask, { worker: published }),
    inPod('stage', engine, {
      worker: { mount: mounts.work, last: workFiles.request },
      plaintext: [workFiles.model, workFiles.reference],
    }),
    inPod('publish', engine, { worker: published, published: ['model.onnx'] }),
  ];
};

/** Creates the mounts of a pod below a root. */
export const preparation =
  ({ model, encrypted, keyFile, photos, training }: PodData) =>
  (root: string): void => {
    const at = (...names: string[]): string => join(root, ...names);
    const claims = at(mounts.claims);
    for (const place of [claims, at('/dev'), at(mounts.work), at(mounts.built)])
      mkdirSync(place, { recursive: true });
    const copies = {
      [mounts.keyFile]: keyFile,
      [mounts.specFile]: join(training, 'spec.txt'),
      [`${mounts.claims}/models/m.tlt`]: encrypted,
      [`${mounts.claims}/models/photos`]: photos,
      [`${mounts.claims}/data`]: training,
      [`${mounts.built}/model.onnx`]: model,
    };
    for (const [path, source] of Object.entries(copies)) {
      mkdirSync(dirname(at(path)), { recursive: true });
      execFileSync('cp', ['-rL', source, at(path)]); // Copies the photos instead of their links, which would lead out of the claim.
    }
    const report = { runtime: { name: 'onnxruntime', version: '1' }, seconds: 1, warnings: [] };
    writeFileSync(at(mounts.built, buildReportFile), JSON.stringify(report));
  };
