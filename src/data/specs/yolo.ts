/** Reads the spec of yolo: its own loader letterboxes pictures; that of TLT 2.0 pads and crops them. */
import { imagePreprocessingOf, isOfTlt2, planDetection, sidesOf } from './detection-data.ts';
import { readDetectionPlugin } from './detection-plugin.ts';
import type { Notes } from './notes.ts';
import type { ReadSpec } from './read-spec.ts';
import { mappedClasses } from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { yoloSchema } from './schemas/detection.ts';

type Spec = MessageValue<typeof yoloSchema>;

/** Total stride of the network: five halvings. */
const loader = { geometry: { kind: 'letterbox' }, minSide: 32, multipleOf: 32 } as const;

/** Reads a decoded spec. */
export const readYolo = (spec: Spec, notes: Notes): ReadSpec => {
  if (spec.yolov3_config === undefined && spec.yolo_config === undefined)
    notes.add(spec, 'yolov3_config', { what: 'required field is missing' });
  checkPixelDepth(spec, notes);
  const classes = mappedClasses(spec.dataset_config?.target_class_mapping);
  return {
    family: isOfTlt2(spec) || spec.yolo_config !== undefined ? 'TLT 2.0' : 'TLT 3.0 or later',
    seed: spec.random_seed,
    classes,
    imagePreprocessing: imagePreprocessingOf(spec, notes),
    plugin: readDetectionPlugin(spec, { classes: classes.length, notes }),
    sides: sidesOf(spec),
    plan: (found) => planDetection(spec, loader, found),
  };
};

const checkPixelDepth = ({ augmentation_config: augmentation }: Spec, notes: Notes): void => {
  const depth = augmentation?.output_depth ?? 0;
  if (augmentation && depth !== 0 && depth !== 8)
    notes.add(augmentation, 'output_depth', {
      what: `it is ${depth}, but only 8-bit pictures are supported`,
    });
};
