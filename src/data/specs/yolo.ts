/** yolo: letterboxed by its own loader, cut to size by TLT 2.0's. */
import { detectionPlan, imagePreprocessingOf, isOfTlt2, sidesOf } from './detection-data.ts';
import { detectionPlugin } from './detection-plugin.ts';
import type { Notes } from './notes.ts';
import type { ReadSpec } from './read-spec.ts';
import { mappedClasses } from './rules.ts';
import type { ValueOf } from './schema.ts';
import type { yoloSchema } from './schemas/detection.ts';

type Spec = ValueOf<typeof yoloSchema>;

/** Its network halves a picture five times. */
const loader = { geometry: { kind: 'letterbox' }, least: 32, multipleOf: 32 } as const;

export const readYolo = (spec: Spec, notes: Notes): ReadSpec => {
  if (spec.yolov3_config === undefined && spec.yolo_config === undefined)
    notes.add(spec, 'yolov3_config', { what: 'it is missing' });
  refuseDeepPixels(spec, notes);
  const classes = mappedClasses(spec.dataset_config?.target_class_mapping);
  return {
    family: isOfTlt2(spec) || spec.yolo_config !== undefined ? 'TLT 2.0' : 'TLT 3.0 or later',
    seed: spec.random_seed,
    classes,
    imagePreprocessing: imagePreprocessingOf(spec, notes),
    plugin: detectionPlugin(spec, { classes: classes.length, notes }),
    sides: sidesOf(spec),
    plan: (found) => detectionPlan(spec, loader, found),
  };
};

const refuseDeepPixels = ({ augmentation_config: augmentation }: Spec, notes: Notes): void => {
  const depth = augmentation?.output_depth ?? 0;
  if (augmentation && depth !== 0 && depth !== 8)
    notes.add(augmentation, 'output_depth', { what: `it is ${depth}, and pictures of 8 bits are read here` });
};
