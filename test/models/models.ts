/** Real models in the form of a TLT export; README.md in this folder lists their sources. */
import { join } from 'node:path';

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'models');

export type ModelName = 'classifier' | 'detectnet_v2';

export const modelFile = (name: ModelName): string => join(fixtures, `${name}.onnx`);

/** Detectors that end in TensorRT plugin nodes, named like their modules. */
export const detectorNames = ['ssd', 'dssd', 'retinanet', 'yolo', 'faster_rcnn'] as const;
export type DetectorName = (typeof detectorNames)[number];

export const detectorFile = (name: DetectorName): string => join(fixtures, `${name}.onnx`);

/** Images of bricks and coins that no detector was trained with; truths.json lists their objects. */
export const scenesFolder = join(import.meta.dirname, '..', 'fixtures', 'scenes');
