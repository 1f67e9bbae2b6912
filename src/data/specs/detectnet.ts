/** Reads the spec of detectnet_v2: TFRecords; pictures padded and cropped, or resized; values in [0,1]. */
import type { LoaderPlan } from '../datasets/plan.ts';
import { detectnetValues } from '../preprocessing/values.ts';
import { readPictureSettings, readTfrecords } from './detectnet-data.ts';
import type { Notes } from './notes.ts';
import type { ReadSpec } from './read-spec.ts';
import { batchSizeOf, requireField } from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { detectnetSchema } from './schemas/detectnet.ts';

type Spec = MessageValue<typeof detectnetSchema>;

/** Total stride of the network: four halvings. */
const stride = 16;

/** Reads a decoded spec. */
export const readDetectnet = (spec: Spec): ReadSpec => ({
  family: isLater(spec) ? 'TLT 3.0 or later' : 'TLT 2.0',
  seed: spec.random_seed,
  classes: (spec.cost_function_config?.target_classes ?? []).flatMap(({ name }) => name ?? []),
  imagePreprocessing: undefined,
  plugin: undefined,
  plan: (notes) => planOf(spec, notes),
});

/** Whether the spec uses fields that TLT 3.0 introduced; the rest of the schema is the same. */
const isLater = ({ augmentation_config, dataset_config, training_config }: Spec): boolean =>
  augmentation_config?.preprocessing?.enable_auto_resize !== undefined ||
  dataset_config?.sampling_mode !== undefined ||
  training_config?.visualizer !== undefined;

const planOf = (spec: Spec, notes: Notes): LoaderPlan | undefined => {
  const dataset = requireField(spec, 'dataset_config', notes);
  const augmentation = requireField(spec, 'augmentation_config', notes);
  const records = dataset && readTfrecords(dataset, notes);
  const picture = augmentation && readPictureSettings(augmentation, { notes, multipleOf: stride });
  const batchSize = batchSizeOf(requireField(spec, 'training_config', notes), notes);
  if (!records || !picture || !batchSize) return undefined;
  return { ...records, ...picture, batchSize, values: detectnetValues(picture.size.channels) };
};
