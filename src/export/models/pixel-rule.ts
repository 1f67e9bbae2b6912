/** How the pixels of a folder's pictures are prepared for a model: as the user says, as the spec does, or as the module does. */

import { type Preprocessing, preprocessingOf } from '../../data/preprocessing/normalise.ts';
import { UserError } from '../../ground/base/errors.ts';
import type { Architecture } from '../../ground/contract/architectures.ts';
import { field } from '../../ground/contract/fields.ts';
import type { PixelSettings } from '../../ground/contract/model-settings.ts';
import type { PixelType } from './image-input.ts';

export type PixelRequest = {
  /** For messages. */
  readonly path: string;
  readonly architecture: Architecture;
  readonly channels: 1 | 3;
  /** What the network was made for. */
  readonly elementType: PixelType;
  /** `--preprocess`, `spec.model.preprocess`. */
  readonly said?: PixelSettings | undefined;
  /** Of the experiment spec. */
  readonly ofSpec?: Preprocessing | undefined;
};

/** @throws UserError SpecInvalid for numbers that do not fit the channels, and where spec and user both say how */
export const choosePreprocessing = (request: PixelRequest): Preprocessing => {
  const { path, channels, said, ofSpec } = request;
  if (said && ofSpec)
    throw new UserError(
      'SpecInvalid',
      `Opening ${path}: the experiment spec says how pixels are prepared, and so does ${field('preprocess')}. Leave one of them out.`,
    );
  const rule = said ? applySettings(request, said) : (ofSpec ?? moduleRule(request));
  if (rule.mean.length !== channels)
    throw new UserError(
      'SpecInvalid',
      `Opening ${path}: the spec gives means for ${rule.mean.length} channels, and the model takes ${channels}. Name the spec that this model was trained with.`,
    );
  if (request.elementType !== 'uint8' || isWhole(rule)) return rule;
  throw new UserError(
    'SpecInvalid',
    `Opening ${path}: its input holds uint8, so it takes pixels as they are. Leave mean and scale out of ${field('preprocess')}.`,
  );
};

/** No module of TLT has a network of bytes: it gets them as the picture has them. */
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
    `Opening ${path}: ${name} has ${numbers.length} numbers, and the model takes ${channels} channels. Give one number, or one for each channel.`,
  );
};
