/** Preprocessing of images from a folder: as the user sets it, else as the spec does, else as the module does. */

import { type Preprocessing, preprocessingOf } from '../../data/preprocessing/normalise.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import { field } from '../../ground/contract/fields.ts';
import type { PixelSettings } from '../../ground/contract/model-settings.ts';
import type { PixelType } from './image-input.ts';

/** Sources of the preprocessing. */
export type PixelRequest = {
  /** For messages. */
  readonly path: string;
  readonly architecture: Architecture;
  readonly channels: 1 | 3;
  /** Element type that the network expects. */
  readonly elementType: PixelType;
  /** `--preprocess`, `spec.model.preprocess`. */
  readonly settings?: PixelSettings | undefined;
  /** Preprocessing of the experiment spec. */
  readonly ofSpec?: Preprocessing | undefined;
};

/**
 * Chooses the preprocessing.
 * @throws UserError SpecInvalid for a wrong number of means or scales, and if both spec and user set it
 */
export const choosePreprocessing = (request: PixelRequest): Preprocessing => {
  const { path, channels, settings, ofSpec } = request;
  if (settings && ofSpec)
    throw new UserError(
      'SpecInvalid',
      `Opening ${path}: both the experiment spec and ${field('preprocess')} set the preprocessing. Omit one of them.`,
    );
  const rule = settings ? applySettings(request, settings) : (ofSpec ?? moduleRule(request));
  if (rule.mean.length !== channels)
    throw new UserError(
      'SpecInvalid',
      `Opening ${path}: the spec gives means for ${rule.mean.length} channels, and the model takes ${channels}. Use the spec that this model was trained with.`,
    );
  if (request.elementType !== 'uint8' || isWhole(rule)) return rule;
  throw new UserError(
    'SpecInvalid',
    `Opening ${path}: its input is uint8, so it takes unscaled pixels. Omit mean and scale in ${field('preprocess')}.`,
  );
};

/** TLT has no networks with uint8 input; these get the pixels unchanged, as RGB. */
const moduleRule = ({ architecture, channels, elementType }: PixelRequest): Preprocessing =>
  elementType === 'uint8'
    ? { order: 'RGB', mean: new Array<number>(channels).fill(0), scale: 1 }
    : preprocessingOf(architecture, channels);

const isWhole = ({ mean, scale }: Preprocessing): boolean => scale === 1 && mean.every((each) => each === 0);

const applySettings = (
  request: PixelRequest,
  { channelOrder, mean, scale }: PixelSettings,
): Preprocessing => {
  const rule = moduleRule(request);
  const scales = scale && requireNumbers(request, 'scale', scale);
  return {
    order: channelOrder ?? rule.order,
    mean: mean ? requireNumbers(request, 'mean', mean) : rule.mean,
    scale: scales ? (scales.every((each) => each === scales[0]) ? scales[0]! : scales) : rule.scale,
  };
};

const requireNumbers = (
  { path, channels }: PixelRequest,
  name: string,
  given: readonly string[],
): readonly number[] => {
  const numbers = given.map(Number);
  if (numbers.length === 1) return new Array<number>(channels).fill(numbers[0]!);
  if (numbers.length === channels) return numbers;
  throw new UserError(
    'SpecInvalid',
    `Opening ${path}: ${name} has ${numbers.length} numbers, and the model takes ${channels} channels. Set one number, or one per channel.`,
  );
};
