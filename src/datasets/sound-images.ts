/** Images in the order drawn, those left out that cannot be decoded, if so many may be. */
import { UserError } from '../base/errors.ts';
import type { ImageInput } from '../preprocessing/decode.ts';
import type { Draw } from './sampling.ts';

export type Allowance = {
  /** Of the images wanted, 0…1. */
  readonly share: number;
  /** Called for each image that is left out. */
  readonly onBroken: (error: UserError) => void;
};

export type SoundImage = { readonly path: string; readonly data: Float32Array };

export type SoundOptions = {
  readonly load: (input: ImageInput) => Promise<Float32Array>;
  /** Images wanted in all. */
  readonly images: number;
  readonly allowance: Allowance;
};

/**
 * Makes the function that takes the next images; calls must not overlap. An image that is left out makes room for the
 * next one drawn, so the sequence does not depend on how many are taken at once.
 * The function throws UserError ImageInvalid once more are broken than may be, TooFewImages when none is left.
 */
export const soundImages = (draws: Iterator<Draw>, { load, images, allowance }: SoundOptions) => {
  let spare = Math.floor(images * allowance.share);
  const pass = (broken: UserError): void => {
    if (spare-- <= 0) throw broken;
    allowance.onBroken(broken);
  };
  return async (count: number): Promise<readonly SoundImage[]> => {
    const sound: SoundImage[] = [];
    while (sound.length < count) {
      const outcomes = await Promise.all(
        next(draws, count - sound.length).map((draw) => attempt(draw, load)),
      );
      if (outcomes.length === 0) throw exhausted(images);
      for (const outcome of outcomes)
        if (outcome instanceof UserError) pass(outcome);
        else sound.push(outcome);
    }
    return sound;
  };
};

const next = (draws: Iterator<Draw>, count: number): readonly Draw[] => {
  const taken: Draw[] = [];
  for (let draw = draws.next(); !draw.done; draw = draws.next()) {
    taken.push(draw.value);
    if (taken.length === count) break;
  }
  return taken;
};

/** A broken image comes back as a value, so that the first in the order drawn is the one that is told. */
const attempt = async (
  { source, index }: Draw,
  load: SoundOptions['load'],
): Promise<SoundImage | UserError> => {
  try {
    const input = await source.imageAt(index);
    return { path: input.path, data: await load(input) };
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'ImageInvalid') return thrown;
    throw thrown;
  }
};

const exhausted = (images: number): UserError =>
  new UserError(
    'TooFewImages',
    `Drawing ${images} images: too many of the set are broken, and none is left. Mend them, or ask for fewer batches.`,
  );
