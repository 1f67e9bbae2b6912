/** Real models in the form of a TLT export; where each comes from stands in README.md beside this file. */
import { join } from 'node:path';

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'models');

export type ModelName = 'classifier' | 'detectnet_v2';

export const modelFile = (name: ModelName): string => join(fixtures, `${name}.onnx`);

/** Detectors that end in TensorRT's plugin nodes; each is named as its module. */
export const detectorNames = ['ssd', 'dssd', 'retinanet', 'yolo', 'faster_rcnn'] as const;
export type DetectorName = (typeof detectorNames)[number];

export const detectorFile = (name: DetectorName): string => join(fixtures, `${name}.onnx`);

/** Pictures of bricks and coins that no detector was trained with, and what is in each: truths.json. */
export const scenesFolder = join(import.meta.dirname, '..', 'fixtures', 'scenes');
