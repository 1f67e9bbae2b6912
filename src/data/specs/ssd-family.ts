/**
 * Reads the specs of ssd, dssd and retinanet, which share a loader with bilinear resize and differ in their network block.
 */
import {
  type DetectionSpec,
  imagePreprocessingOf,
  isOfTlt2,
  planDetection,
  sidesOf,
} from './detection-data.ts';
import { readDetectionPlugin } from './detection-plugin.ts';
import type { Notes } from './notes.ts';
import type { ReadSpec } from './read-spec.ts';
import { mappedClasses, requireField } from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { nmsConfig } from './schemas/common.ts';
import type { dssdSchema, retinanetSchema, ssdSchema } from './schemas/detection.ts';

/** With 32 pixels or fewer, the last feature map would be empty. */
const loader = { geometry: { kind: 'bilinear' }, minSide: 33, multipleOf: 1 } as const;

/** Reads a decoded spec of ssd. */
export const readSsd = (spec: MessageValue<typeof ssdSchema>, notes: Notes): ReadSpec => {
  requireField(spec, 'ssd_config', notes);
  return read(spec, notes);
};

/** Reads a decoded spec of dssd. */
export const readDssd = (spec: MessageValue<typeof dssdSchema>, notes: Notes): ReadSpec => {
  requireField(spec, 'dssd_config', notes);
  return read(spec, notes);
};

/** Reads a decoded spec of retinanet. */
export const readRetinanet = (spec: MessageValue<typeof retinanetSchema>, notes: Notes): ReadSpec => {
  requireField(spec, 'retinanet_config', notes);
  return read(spec, notes);
};

type Spec = DetectionSpec & {
  readonly random_seed?: number | undefined;
  readonly nms_config?: MessageValue<typeof nmsConfig> | undefined;
};

const read = (spec: Spec, notes: Notes): ReadSpec => {
  const classes = mappedClasses(spec.dataset_config?.target_class_mapping);
  return {
    family: isOfTlt2(spec) ? 'TLT 2.0' : 'TLT 3.0 or later',
    seed: spec.random_seed,
    classes: ['background', ...classes],
    imagePreprocessing: imagePreprocessingOf(spec, notes),
    plugin: readDetectionPlugin(spec, { classes: classes.length, notes }),
    sides: sidesOf(spec),
    plan: (found) => planDetection(spec, loader, found),
  };
};
