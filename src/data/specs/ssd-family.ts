/** ssd, dssd and retinanet: one loader, a bilinear stretch; the names of their network blocks tell them apart. */
import {
  type DetectionSpec,
  detectionPlan,
  imagePreprocessingOf,
  isOfTlt2,
  sidesOf,
} from './detection-data.ts';
import { detectionPlugin } from './detection-plugin.ts';
import type { Notes } from './notes.ts';
import type { ReadSpec } from './read-spec.ts';
import { mappedClasses, need } from './rules.ts';
import type { ValueOf } from './schema.ts';
import type { nmsConfig } from './schemas/common.ts';
import type { dssdSchema, retinanetSchema, ssdSchema } from './schemas/detection.ts';

/** Sides of 32 pixels and fewer leave nothing for the last feature map. */
const loader = { geometry: { kind: 'bilinear' }, least: 33, multipleOf: 1 } as const;

export const readSsd = (spec: ValueOf<typeof ssdSchema>, notes: Notes): ReadSpec => {
  need(spec, 'ssd_config', notes);
  return read(spec, notes);
};

export const readDssd = (spec: ValueOf<typeof dssdSchema>, notes: Notes): ReadSpec => {
  need(spec, 'dssd_config', notes);
  return read(spec, notes);
};

export const readRetinanet = (spec: ValueOf<typeof retinanetSchema>, notes: Notes): ReadSpec => {
  need(spec, 'retinanet_config', notes);
  return read(spec, notes);
};

type Spec = DetectionSpec & {
  readonly random_seed?: number | undefined;
  readonly nms_config?: ValueOf<typeof nmsConfig> | undefined;
};

const read = (spec: Spec, notes: Notes): ReadSpec => {
  const classes = mappedClasses(spec.dataset_config?.target_class_mapping);
  return {
    family: isOfTlt2(spec) ? 'TLT 2.0' : 'TLT 3.0 or later',
    seed: spec.random_seed,
    classes: ['background', ...classes],
    imagePreprocessing: imagePreprocessingOf(spec, notes),
    plugin: detectionPlugin(spec, { classes: classes.length, notes }),
    sides: sidesOf(spec),
    plan: (found) => detectionPlan(spec, loader, found),
  };
};
