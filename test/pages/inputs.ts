/** The files that the commands of a page start from. */
import { chmodSync, copyFileSync, cpSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { aCodec } from '../builders/codec.ts';
import { encryptTlt } from '../builders/encrypted.ts';
import { aTraining } from '../builders/training.ts';
import { modelFile } from '../models/models.ts';
import { photosFolder } from '../photos/photos.ts';
import { blocksOf } from './blocks.ts';

/** The model of the README's package, images, and what a training of detectnet_v2 leaves. */
const layOutTools = async (folder: string): Promise<void> => {
  cpSync(await photosFolder(), join(folder, 'photos'), { recursive: true });
  cpSync(await aTraining('detectnet_v2'), folder, { recursive: true, dereference: true });
  copyFileSync(modelFile('detectnet_v2'), join(folder, 'detector.onnx'));
  writeFileSync(join(folder, 'key.txt'), 'correct horse battery staple\n');
  writeFileSync(join(folder, 'other.txt'), 'another key\n');
};

/** The program that the page shows takes the place of NVIDIA's wrapper, which needs NVIDIA's package. */
const layOutCodec = async (folder: string): Promise<void> => {
  const program = blocksOf('docs/external-codec.md').find(({ text }) => text.startsWith('#!/bin/sh'))!;
  const path = join(folder, 'nvidia_codec.py');
  writeFileSync(path, program.text);
  chmodSync(path, 0o755);
  const key = 'correct horse battery staple';
  const model = await readFile(modelFile('detectnet_v2'));
  writeFileSync(join(folder, 'model.onnx'), model);
  writeFileSync(join(folder, 'real.tlt'), await encryptTlt(model, key, { cipher: aCodec([path]) }));
};

/** Puts the files of a page in the folder. */
export const prepareInputs = async (folder: string, page: string): Promise<void> => {
  if (page === 'docs/external-codec.md') await layOutCodec(folder);
  else await layOutTools(folder);
};
