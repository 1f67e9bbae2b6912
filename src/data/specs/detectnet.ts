/** detectnet_v2: TFRecords, padded and cut to size (or stretched), values 0…1. */
import type { LoaderPlan } from '../datasets/plan.ts';
import { detectnetValues } from '../preprocessing/values.ts';
import { pictureOf, tfrecordsOf } from './detectnet-data.ts';
import type { Notes } from './notes.ts';
import type { ReadSpec } from './read-spec.ts';
import { batchSizeOf, need } from './rules.ts';
import type { ValueOf } from './schema.ts';
import type { detectnetSchema } from './schemas/detectnet.ts';

type Spec = ValueOf<typeof detectnetSchema>;

/** Its network halves a picture four times. */
const stride = 16;

export const readDetectnet = (spec: Spec): ReadSpec => ({
  family: isLater(spec) ? 'TLT 3.0 or later' : 'TLT 2.0',
  seed: spec.random_seed,
  classes: (spec.cost_function_config?.target_classes ?? []).flatMap(({ name }) => name ?? []),
  imagePreprocessing: undefined,
  plugin: undefined,
  plan: (notes) => planOf(spec, notes),
});

/** The schema hardly changed; these fields came with TLT 3.0. */
const isLater = ({ augmentation_config, dataset_config, training_config }: Spec): boolean =>
  augmentation_config?.preprocessing?.enable_auto_resize !== undefined ||
  dataset_config?.sampling_mode !== undefined ||
  training_config?.visualizer !== undefined;

const planOf = (spec: Spec, notes: Notes): LoaderPlan | undefined => {
  const dataset = need(spec, 'dataset_config', notes);
  const augmentation = need(spec, 'augmentation_config', notes);
  const records = dataset && tfrecordsOf(dataset, notes);
  const picture = augmentation && pictureOf(augmentation, { notes, multipleOf: stride });
  const batchSize = batchSizeOf(need(spec, 'training_config', notes), notes);
  if (!records || !picture || !batchSize) return undefined;
  return { ...records, ...picture, batchSize, values: detectnetValues(picture.size.channels) };
};
