/** Every command that writes files, with its outputs, for runs in which the process is killed or the disk is full. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseModel } from '../../src/formats/onnx/model.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { runTool } from '../builders/tool.ts';
import { aTraining } from '../builders/training.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { smallPhotosFolder } from '../photos/photos.ts';
import { type PodData, preparation, workerCases } from './worker-cases.ts';

export type Place = {
  /** Folder of the outputs. */
  readonly out: string;
  /** Root of the mount paths, for a worker. */
  readonly root: string;
};

export type FaultCase = {
  readonly name: string;
  readonly program: 'tlt-export' | 'tlt-int8-tensorfile' | 'tlt-model' | 'worker';
  readonly args: (place: Place) => readonly string[];
  /** Outputs that are plaintext models, which only their owner may read. */
  readonly plaintext: readonly string[];
  /** Outputs that are plaintext models and that other users may read. No other file may contain the model's bytes. */
  readonly published?: readonly string[];
  /** Set for a container. */
  readonly worker?: WorkerOutputs;
};

export type WorkerOutputs = {
  /** The mounted folder of the outputs. */
  readonly mount: string;
  /** Each file is complete by itself. This one is written last, when all others exist. */
  readonly last: string;
};

export type Inputs = {
  readonly cases: readonly FaultCase[];
  /** Bytes of the model's weights, which no encrypted file and no report may contain. */
  readonly marker: Buffer;
  readonly key: string;
  /** Creates the mounts of a worker below a root. */
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
  const data = { model: at('m.onnx'), encrypted: at('m.tlt'), keyFile: at('key.txt'), photos, training };
  await countParts(at, photos);
  return {
    cases: [...casesOf(at, data), ...workerCases(data)],
    marker: markerIn(model),
    key,
    prepare: preparation(data),
  };
};

/** Writes `1.hist` and `2.hist` for merge-histograms. */
const countParts = async (at: (name: string) => string, photos: string): Promise<void> => {
  for (const part of [1, 2]) {
    const files = ['-m', at('m.tlt'), '-k', key, '--cal_histogram_file', at(`${part}.hist`)];
    const { code, stderr } = await runTool('tlt-export', [
      'classification',
      ...files,
      ...int8Of(photos),
      ...['--cal_part', `${part}/2`],
    ]);
    if (code !== 0) throw new Error(stderr);
  }
};

const int8Of = (photos: string): readonly string[] => [
  ...['--data_type', 'int8', '--cal_image_dir', photos, '--batches', '2', '--batch_size', '2'],
];

/** Bytes from the middle of the largest tensor. */
const markerIn = (model: Uint8Array): Buffer => {
  const tensors = parseModel(model).graph!.initializer.map(({ rawData }) => rawData);
  const largest = tensors.reduce((a, b) => (b.length > a.length ? b : a));
  const middle = Math.floor(largest.length / 2);
  return Buffer.from(largest.subarray(middle, middle + 64));
};

const casesOf = (at: (name: string) => string, { photos, training }: PodData): readonly FaultCase[] => {
  const locked = ['-k', key] as const;
  const int8 = int8Of(photos);
  const model = (name: string, words: FaultCase['args'], plaintext: readonly string[] = []): FaultCase => ({
    name,
    program: 'tlt-model',
    args: (place) => [name, ...words(place)],
    plaintext,
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
    },
    {
      name: 'part',
      program: 'tlt-export',
      args: ({ out }) => [
        ...['classification', '-m', at('m.tlt'), ...locked, ...int8],
        ...['--cal_part', '1/2', '--cal_histogram_file', join(out, 'h.hist')],
      ],
      plaintext: [],
    },
    {
      name: 'tensorfile',
      program: 'tlt-int8-tensorfile',
      args: ({ out }) => [
        ...['classification', '-e', join(training, 'spec.txt'), '-m', '2', '-o', join(out, 'cal.tensor')],
        ...['--data_root', training],
      ],
      plaintext: [],
    },
    model('pack', ({ out }) => [at('m.onnx'), ...locked, '-o', join(out, 'p.tlt')]),
    model('unpack', ({ out }) => [at('m.tlt'), ...locked, '-o', join(out, 'u.onnx')], ['u.onnx']),
    model('convert', ({ out }) => [at('m.tlt'), ...locked, '-o', join(out, 'c.onnx')], ['c.onnx']),
    model('merge-histograms', ({ out }) => [at('1.hist'), at('2.hist'), '-o', join(out, 's.hist')]),
    model('fetch', ({ out }) => [
      ...[at('m.tlt'), '--digest', `sha256:${sha256(readFileSync(at('m.tlt')))}`],
      ...['-o', join(out, 'f.tlt')],
    ]),
  ];
};
