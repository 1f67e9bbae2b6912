/** What is applied beside the sample: every kind of model, and everything that a user can get wrong. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { aCodec } from '../builders/codec.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { specOf } from '../builders/training.ts';
import type { DemoCluster } from '../cluster/cluster.ts';
import { images } from '../cluster/images.ts';
import {
  addSecret,
  applyTensorfileSample,
  demoKey,
  namespace,
  readExport,
  sampleName,
} from '../demo/scenario.ts';
import { kerasPath } from '../keras/fixtures.ts';
import { type DetectorName, detectorFile, detectorNames, modelFile, scenesFolder } from '../models/models.ts';

export type Field = {
  readonly cluster: DemoCluster;
  /** The folder behind the claim `models`. */
  readonly models: string;
};

/** All at once, so that no export waits for the test of another one. */
export const applyTheRest = async (field: Field): Promise<void> => {
  await applyTwin(field);
  await applyDetector(field);
  cpSync(scenesFolder, join(field.models, 'scenes'), { recursive: true });
  for (const module of detectorNames) await applyModule(field, module);
  await applyForeign(field);
  await applyTraining(field);
  await applyMistakes(field);
};

const applyObject = ({ cluster }: Field, object: object): Promise<string> =>
  cluster.kubectl(['apply', '-f', '-'], JSON.stringify(object));

type Changes = { readonly name: string; readonly spec: Readonly<Record<string, unknown>> };

/** A ModelExport like the sample's, but for some fields. */
const apply = async (field: Field, { name, spec }: Changes): Promise<void> => {
  const { spec: sample, apiVersion, kind } = await readExport(field.cluster, sampleName);
  const output = { uri: `pvc://exports/${name}` };
  const metadata = { name, namespace };
  await applyObject(field, { apiVersion, kind, metadata, spec: { ...sample, ...spec, output } });
};

const onlyCpu = { deviceClasses: [{ name: 'cpu' }] };

/** The sample under another name, with the same output. */
const applyTwin = async (field: Field): Promise<void> => {
  const { spec, apiVersion, kind } = await readExport(field.cluster, sampleName);
  await applyObject(field, { apiVersion, kind, metadata: { name: 'twin', namespace }, spec });
};

/** What `tlt train` leaves: a Keras file. */
const applyDetector = async (field: Field): Promise<void> => {
  cpSync(kerasPath('detectnet_v2'), join(field.models, 'detector.hdf5'));
  const model = { uri: 'pvc://models/detector.hdf5' };
  const deviceClasses = [{ name: 'ampere' }, { name: 'cpu', dataType: 'fp32' }];
  await apply(field, { name: 'detector', spec: { architecture: 'detectnet_v2', model, deviceClasses } });
};

/** A module's name as objects of Kubernetes may have it. */
export const objectNameOf = (module: string): string => module.replace('_', '-');

const applyModule = async (field: Field, module: DetectorName): Promise<void> => {
  const name = objectNameOf(module);
  cpSync(detectorFile(module), join(field.models, `${name}.onnx`));
  const data = { spec: specOf(module) };
  await applyObject(field, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data });
  const spec = {
    architecture: module,
    model: { uri: `pvc://models/${name}.onnx` },
    experimentSpec: { configMapKeyRef: { name, key: 'spec' } },
    calibration: {
      source: 'ImageDirectory',
      imageDirectory: { uri: 'pvc://models/scenes' },
      batches: 2,
      batchSize: 4,
    },
    ...onlyCpu,
  };
  await apply(field, { name, spec });
};

/** A cipher that is its own inverse, in what the builder image has of Python. */
const cipherScript = `
import hashlib, os, sys
key, data = os.fdopen(3, "rb").read(), sys.stdin.buffer.read()
pad = b"".join(hashlib.sha256(key + i.to_bytes(8, "big")).digest() for i in range(len(data) // 32 + 1))
sys.stdout.buffer.write(bytes(a ^ b for a, b in zip(data, pad)))
`;
export const cipherCommand = ['python3', '-c', cipherScript];

/** A model that no tool here opens without the user's program. */
const applyForeign = async (field: Field): Promise<void> => {
  const cipher = aCodec(cipherCommand);
  const tlt = await encryptTlt(readFileSync(modelFile('classifier')), demoKey, { cipher });
  writeFileSync(join(field.models, 'other.tlt'), tlt);
  const codec = { image: images.rtx, command: cipherCommand };
  const model = { uri: 'pvc://models/other.tlt' };
  await apply(field, { name: 'other', spec: { ...onlyCpu, model, codec } });
};

const applyTraining = async ({ cluster, models }: Field): Promise<void> => {
  const training = join(models, 'training', 'train');
  mkdirSync(training, { recursive: true });
  cpSync(join(models, 'calibration'), join(training, 'upright'), { recursive: true });
  await applyTensorfileSample(cluster);
};

const applyMistakes = async (field: Field): Promise<void> => {
  const { cluster, models } = field;
  await addSecret(cluster, 'wrong-key', 'not the key');
  cpSync(join(models, `${sampleName}.tlt`), join(models, 'cut.tlt'));
  await truncate(join(models, 'cut.tlt'), 1000);
  mkdirSync(join(models, 'nine'));
  for (let i = 0; i < 9; i++)
    cpSync(join(models, 'calibration', `photo1-0${i}.jpg`), join(models, 'nine', `${i}.jpg`));
  await applyObject(field, {
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ExportDeviceClass',
    metadata: { name: 'hopper' },
    spec: { hardware: { computeCapability: '9.0' }, engine: { backend: 'OnnxRuntime' } },
  });
  const sample = (await readExport(cluster, sampleName)).spec;
  const nine = { ...sample.calibration, imageDirectory: { uri: 'pvc://models/nine' } };
  const mistakes: readonly Changes[] = [
    { name: 'wrong-key', spec: { ...onlyCpu, keySecretRef: { name: 'wrong-key', key: 'key' } } },
    { name: 'cut', spec: { ...onlyCpu, model: { uri: 'pvc://models/cut.tlt' } } },
    { name: 'nine', spec: { ...onlyCpu, calibration: nine } },
    { name: 'pinned', spec: { ...onlyCpu, model: { ...sample.model, sha256: 'a'.repeat(64) } } },
    { name: 'no-secret', spec: { ...onlyCpu, keySecretRef: { name: 'absent', key: 'key' } } },
    { name: 'no-claim', spec: { ...onlyCpu, model: { uri: 'pvc://absent/model.tlt' } } },
    { name: 'no-node', spec: { deviceClasses: [{ name: 'cpu' }, { name: 'hopper' }] } },
  ];
  await Promise.all(mistakes.map((mistake) => apply(field, mistake)));
};
