/** What is applied in addition to the sample: every kind of model, and every kind of user error. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { aCodec } from '../builders/codec.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { specOf } from '../builders/training.ts';
import type { DemoCluster } from '../cluster/cluster.ts';
import { images } from '../cluster/images.ts';
import { eventually } from '../cluster/run.ts';
import {
  addSecret,
  applyTensorfileSample,
  demoKey,
  namespace,
  readExport,
  sampleName,
} from '../demo/scenario.ts';
import { kerasPath } from '../keras/fixtures.ts';
import { type DetectorName, detectorFile, detectorNames, scenesFolder } from '../models/models.ts';
import { smallClassifier } from '../models/small-classifier.ts';

export type Field = {
  readonly cluster: DemoCluster;
  /** The folder of the claim `models`. */
  readonly models: string;
};

/** Applies all at once, so that no export waits for the test of another. */
export const applyTheRest = async ({ cluster, models }: Field): Promise<void> => {
  await layOutTheRest(models);
  await addSecret(cluster, 'wrong-key', 'not the key');
  const sample = await readExport(cluster, sampleName);
  const configMaps = detectorNames.map(specMap);
  const others = othersBeside(sample, await pinned(cluster, images.rtx));
  const items = [fastestClass, deviceClassOfNoNode, ...configMaps, ...others, findTwin(sample)];
  await applyTensorfileSample(cluster);
  await cluster.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
};

/** The image by the digest that it has on the nodes. */
export const pinned = ({ kubectl }: DemoCluster, image: string): Promise<string> => {
  const repository = image.slice(0, image.lastIndexOf(':'));
  const names = ['get', 'nodes', '-o', 'jsonpath={.items[*].status.images[*].names[*]}'];
  return eventually(`a node to report the digest of ${image}`, async () =>
    (await kubectl(names)).split(' ').find((name) => name.startsWith(`${repository}@sha256:`)),
  );
};

const layOutTheRest = async (models: string): Promise<void> => {
  const small = await smallClassifier();
  writeFileSync(join(models, 'small.tlt'), await encryptTlt(small, demoKey));
  const cipher = aCodec(cipherCommand);
  writeFileSync(join(models, 'other.tlt'), await encryptTlt(small, demoKey, { cipher }));
  cpSync(join(models, `${sampleName}.tlt`), join(models, 'cut.tlt'));
  await truncate(join(models, 'cut.tlt'), 1000);
  cpSync(kerasPath('detectnet_v2'), join(models, 'detector.hdf5'));
  cpSync(scenesFolder, join(models, 'scenes'), { recursive: true });
  for (const module of detectorNames)
    cpSync(detectorFile(module), join(models, `${objectNameOf(module)}.onnx`));
  mkdirSync(join(models, 'nine'));
  for (let i = 0; i < 9; i++)
    cpSync(join(models, 'calibration', `photo1-0${i}.jpg`), join(models, 'nine', `${i}.jpg`));
  cpSync(join(models, 'calibration'), join(models, 'training', 'train', 'upright'), { recursive: true });
};

type Spec = ModelExport['spec'];
type Changes = { readonly name: string; readonly spec: Partial<Spec> };

const onlyCpu = { deviceClasses: [{ name: 'cpu' }] };

/** The sample under another name, with the same output. */
const findTwin = ({ spec, apiVersion, kind }: ModelExport): object => ({
  apiVersion,
  kind,
  metadata: { name: 'twin', namespace },
  spec,
});

/** ModelExports like the sample, but with a tiny model and some other fields. */
const othersBeside = (
  { spec: sample, apiVersion, kind }: ModelExport,
  codecImage: string,
): readonly object[] => {
  const model = { uri: 'pvc://models/small.tlt' };
  const base = { ...sample, ...onlyCpu, model, calibration: onImages('calibration', few) };
  return [...mistakes, foreignTo(codecImage), detector, ...detectorNames.map(detectorOf)].map(
    ({ name, spec }) => ({
      apiVersion,
      kind,
      metadata: { name, namespace },
      spec: { ...base, ...spec, output: { uri: `pvc://exports/${name}` } },
    }),
  );
};

type Amount = { readonly batches: number; readonly batchSize: number };
const few: Amount = { batches: 2, batchSize: 4 };

const onImages = (folder: string, amount: Amount): NonNullable<Spec['calibration']> => ({
  source: 'ImageDirectory',
  imageDirectory: { uri: `pvc://models/${folder}` },
  algorithm: 'Entropy',
  ...amount,
});

/** A Keras file, as `tlt train` writes it. */
const detector: Changes = {
  name: 'detector',
  spec: {
    architecture: 'detectnet_v2',
    model: { uri: 'pvc://models/detector.hdf5' },
    deviceClasses: [{ name: 'ampere' }, { name: 'cpu', dataType: 'fp32' }, { name: 'fastest' }],
  },
};

/** The name of a module as a Kubernetes object name. */
export const objectNameOf = (module: string): string => module.replace('_', '-');

const specMap = (module: DetectorName): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: objectNameOf(module), namespace },
  data: { spec: specOf(module) },
});

const detectorOf = (module: DetectorName): Changes => ({
  name: objectNameOf(module),
  spec: {
    architecture: module,
    model: { uri: `pvc://models/${objectNameOf(module)}.onnx` },
    experimentSpec: { configMapKeyRef: { name: objectNameOf(module), key: 'spec' } },
    calibration: onImages('scenes', few),
  },
});

/** A cipher that is its own inverse, in the Python of the builder image. */
const cipherScript = `
import hashlib, os, sys
key, data = os.fdopen(3, "rb").read(), sys.stdin.buffer.read()
pad = b"".join(hashlib.sha256(key + i.to_bytes(8, "big")).digest() for i in range(len(data) // 32 + 1))
sys.stdout.buffer.write(bytes(a ^ b for a, b in zip(data, pad)))
`;
export const cipherCommand = ['python3', '-c', cipherScript];

/** A model that can be opened only with the program of the user. */
const foreignTo = (image: string): Changes => ({
  name: 'other',
  spec: {
    model: { uri: 'pvc://models/other.tlt' },
    codec: { image, command: cipherCommand },
  },
});

/** Like the class `cpu` of the samples, for the faster of int8 and float. */
const fastestClass = {
  apiVersion: 'export.tlt.dev/v1beta1',
  kind: 'ExportDeviceClass',
  metadata: { name: 'fastest' },
  spec: { hardware: { arch: 'amd64' }, engine: { backend: 'OnnxRuntime', prefer: 'Fastest' } },
};

const deviceClassOfNoNode = {
  apiVersion: 'export.tlt.dev/v1beta1',
  kind: 'ExportDeviceClass',
  metadata: { name: 'hopper' },
  spec: { hardware: { computeCapability: '9.0' }, engine: { backend: 'OnnxRuntime' } },
};

const mistakes: readonly Changes[] = [
  { name: 'wrong-key', spec: { keySecretRef: { name: 'wrong-key', key: 'key' } } },
  { name: 'cut', spec: { model: { uri: 'pvc://models/cut.tlt' } } },
  {
    name: 'nine',
    spec: { calibration: onImages('nine', { batches: 10, batchSize: 8 }) },
  },
  { name: 'pinned', spec: { model: { uri: 'pvc://models/small.tlt', sha256: 'a'.repeat(64) } } },
  { name: 'no-secret', spec: { keySecretRef: { name: 'absent', key: 'key' } } },
  { name: 'no-claim', spec: { model: { uri: 'pvc://absent/model.tlt' } } },
  { name: 'no-node', spec: { deviceClasses: [{ name: 'cpu' }, { name: 'hopper' }] } },
];
