/** Every command that writes files, with what it writes: for runs in which the process is killed or the disk is full. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { mounts } from '../../src/ground/contract/layout.ts';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aTraining } from '../builders/training.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';

export type Place = {
  /** Where the outputs go. */
  readonly out: string;
  /** What the process takes for its machine, if it is a worker. */
  readonly root: string;
};

export type FaultCase = {
  readonly name: string;
  readonly program: 'tlt-export' | 'tlt-int8-tensorfile' | 'tlt-model' | 'worker';
  readonly args: (place: Place) => readonly string[];
  /** Outputs that are plaintext models: only under these names may the model's bytes be found. */
  readonly plaintext: readonly string[];
  /** Of a worker: artifacts of one run are whole each, and the manifest, the last of them, says that all are there. */
  readonly isWorker: boolean;
};

export type Inputs = {
  readonly cases: readonly FaultCase[];
  /** Bytes of the model's weights that no encrypted file and no report holds. */
  readonly marker: Buffer;
  readonly key: string;
  /** Makes the mounts of a worker below a root. */
  readonly prepare: (root: string) => void;
};

const key = 'correct horse battery staple';

export const faultInputs = async (): Promise<Inputs> => {
  const inputs = mkdtempSync(join(tmpdir(), 'tlt-fault-inputs-'));
  const at = (name: string): string => join(inputs, name);
  const model = await smallClassifier();
  writeFileSync(at('m.onnx'), model);
  writeFileSync(at('m.tlt'), await encryptTlt(model, key));
  writeFileSync(at('key.txt'), key);
  const photos = await smallPhotosFolder();
  const training = await aTraining('classification');
  return {
    cases: casesOf(at, { photos, training }),
    marker: markerIn(model),
    key,
    prepare: preparation(at, photos),
  };
};

/** The middle of the largest tensor. */
const markerIn = (model: Uint8Array): Buffer => {
  const tensors = parseModel(model).graph!.initializer.map(({ rawData }) => rawData);
  const largest = tensors.reduce((a, b) => (b.length > a.length ? b : a));
  const middle = Math.floor(largest.length / 2);
  return Buffer.from(largest.subarray(middle, middle + 64));
};

type Data = { readonly photos: string; readonly training: string };

const casesOf = (at: (name: string) => string, { photos, training }: Data): readonly FaultCase[] => {
  const locked = ['-k', key] as const;
  const int8 = ['--data_type', 'int8', '--cal_image_dir', photos, '--batches', '2', '--batch_size', '2'];
  const model = (name: string, words: FaultCase['args'], plaintext: readonly string[] = []): FaultCase => ({
    name,
    program: 'tlt-model',
    args: (place) => [name, ...words(place)],
    plaintext,
    isWorker: false,
  });
  return [
    {
      name: 'export',
      program: 'tlt-export',
      args: ({ out }) => [
        ...['classification', '-m', at('m.tlt'), ...locked, '-o', join(out, 'm.etlt'), ...int8],
        ...['--cal_cache_file', join(out, 'cal.bin'), '--report', join(out, 'r.html')],
        ...['--engine_file', join(out, 'e.onnx')],
      ],
      plaintext: ['e.onnx'],
      isWorker: false,
    },
    {
      name: 'part',
      program: 'tlt-export',
      args: ({ out }) => [
        ...['classification', '-m', at('m.tlt'), ...locked, ...int8],
        ...['--cal_part', '1/2', '--cal_histogram_file', join(out, 'h.hist')],
      ],
      plaintext: [],
      isWorker: false,
    },
    {
      name: 'tensorfile',
      program: 'tlt-int8-tensorfile',
      args: ({ out }) => [
        ...['classification', '-e', join(training, 'spec.txt'), '-m', '2', '-o', join(out, 'cal.tensor')],
        ...['--data_root', training],
      ],
      plaintext: [],
      isWorker: false,
    },
    model('pack', ({ out }) => [at('m.onnx'), ...locked, '-o', join(out, 'p.tlt')]),
    model('unpack', ({ out }) => [at('m.tlt'), ...locked, '-o', join(out, 'u.onnx')], ['u.onnx']),
    model('convert', ({ out }) => [at('m.tlt'), ...locked, '-o', join(out, 'c.onnx')], ['c.onnx']),
    {
      name: 'worker export',
      program: 'worker',
      args: () => ['export', '--task', JSON.stringify(exportTask)],
      plaintext: [],
      isWorker: true,
    },
  ];
};

const exportTask: ExportTask = {
  architecture: 'classification',
  model: { uri: 'pvc://models/m.tlt' },
  dataType: 'int8',
  calibration: {
    source: 'ImageDirectory',
    imageDirectory: { uri: 'pvc://models/photos' },
    batches: 1,
    batchSize: 4,
    algorithm: 'MinMax',
  },
  forcePtq: false,
  exportKey: 'k',
  folder: 'pvc://exports/out',
};

const preparation =
  (at: (name: string) => string, photos: string) =>
  (root: string): void => {
    for (const folder of [
      `${mounts.claims}/models`,
      '/dev',
      mounts.work,
      mounts.keyFile.replace(/\/[^/]+$/, ''),
    ])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, mounts.keyFile), readFileSync(at('key.txt')));
    cpSync(at('m.tlt'), join(root, mounts.claims, 'models/m.tlt'));
    cpSync(photos, join(root, mounts.claims, 'models/photos'), { recursive: true });
  };
