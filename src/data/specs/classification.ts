/**
 * Reads the spec of classification: class folders, Pillow's nearest-neighbour resize, and normalisation by
 * `preprocess_mode`.
 */
import type { LoaderPlan } from '../datasets/plan.ts';
import type { ImageSize } from '../preprocessing/decode.ts';
import { caffeValues, type PixelScaling, tfValues, torchValues } from '../preprocessing/values.ts';
import type { Notes } from './notes.ts';
import type { ReadSpec } from './read-spec.ts';
import { batchSizeOf, checkPixels, meanKeys, meansOf, requireField, requireText } from './rules.ts';
import type { MessageValue } from './schema.ts';
import type { classificationSchema } from './schemas/classification.ts';

type Spec = MessageValue<typeof classificationSchema>;
type Train = NonNullable<Spec['train_config']>;

/** Reads a decoded spec. As in TLT, `--cal_image_dir` uses `caffe` normalisation whatever the spec says. */
export const readClassification = (spec: Spec): ReadSpec => ({
  family: isFlat(spec.train_config) ? 'TLT 2.0' : 'TLT 3.0 or later',
  seed: spec.train_config?.random_seed,
  classes: [],
  imagePreprocessing: undefined,
  plugin: undefined,
  sides: sidesOf(spec.model_config?.input_image_size),
  plan: (notes) => planOf(spec, notes),
});

/** True for the TLT 2.0 form: the optimizer is a string, and the parameters of the schedule are not nested. */
const isFlat = (train: Train | undefined): boolean =>
  typeof train?.optimizer === 'string' || train?.lr_config?.scheduler !== undefined;

const planOf = (spec: Spec, notes: Notes): LoaderPlan | undefined => {
  const model = requireField(spec, 'model_config', notes);
  const train = requireField(spec, 'train_config', notes);
  const size = model && sizeOf(model, notes);
  const batchSize = batchSizeOf(train, notes);
  const training = train && requireText(train, 'train_dataset_path', notes);
  const values = train && valuesOf(train, size?.channels ?? 3, notes);
  if (!size || !batchSize || !training || !values) return undefined;
  const validation = train.val_dataset_path ? { validation: train.val_dataset_path } : {};
  return {
    kind: 'classFolders',
    training,
    ...validation,
    size,
    batchSize,
    geometry: { kind: 'nearest' },
    values,
  };
};

const imageSize = /^\s*([13])\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*$/;

/** Undefined if the text is missing or malformed; only the loader reports that. */
const sidesOf = (text: string | undefined) => {
  const [, , height, width] = imageSize.exec(text ?? '') ?? [];
  return height && width ? { height: Number(height), width: Number(width) } : undefined;
};

/** `"3,224,224"`: channels, height, width. */
const sizeOf = (model: NonNullable<Spec['model_config']>, notes: Notes): ImageSize | undefined => {
  const text = requireText(model, 'input_image_size', notes);
  if (text === undefined) return undefined;
  const [, channels, height, width] = imageSize.exec(text) ?? [];
  const sides = { height: Number(height), width: Number(width) };
  if (channels && sides.height >= minSide && sides.width >= minSide)
    return checkPixels(model, 'input_image_size', { ...sides, notes })
      ? { channels: channels === '1' ? 1 : 3, ...sides }
      : undefined;
  notes.add(model, 'input_image_size', {
    what: `it is "${text.slice(0, 40)}", and must be "channels,height,width" with 1 or 3 channels and sides of at least ${minSide}`,
  });
  return undefined;
};

const minSide = 16;

const valuesOf = (train: Train, channels: 1 | 3, notes: Notes): PixelScaling | undefined => {
  const mode = train.preprocess_mode || 'caffe'; // the only mode of TLT 2.0
  if (mode === 'torch') return torchValues(channels);
  if (mode === 'tf') return tfValues(channels);
  if (mode === 'caffe')
    return caffeValues(channels, meansOf(train, 'image_mean', { keys: meanKeys[channels], notes }));
  notes.add(train, 'preprocess_mode', {
    what: `it is "${mode.slice(0, 40)}", and must be caffe, torch or tf`,
  });
  return undefined;
};
