/** Images one after the other, those left out that cannot be decoded, if so many may be. */
import { UserError } from '../../ground/base/errors.ts';

export type Allowance = {
  /** Of the images wanted, 0…1. */
  readonly share: number;
  /** Called for each image that is left out. */
  readonly onBroken: (error: UserError) => void;
};

export type SoundImage = { readonly path: string; readonly data: Float32Array };

/** The next images; calls must not overlap. */
export type Take = (count: number) => Promise<readonly SoundImage[]>;

export type SoundOptions<T> = {
  /** [C,H,W] of one picture. */
  readonly load: (item: T) => Promise<SoundImage>;
  /** Images wanted in all. */
  readonly images: number;
  /** Not one may be broken if undefined. */
  readonly allowance?: Allowance | undefined;
};

/**
 * An image that is left out makes room for the next item, so the sequence does not depend on how many are taken at
 * once. What is returned throws UserError ImageInvalid once more are broken than may be, TooFewImages when none is left.
 */
export const soundImages = <T>(items: Iterator<T>, { load, images, allowance }: SoundOptions<T>): Take => {
  let spare = Math.floor(images * (allowance?.share ?? 0));
  const pass = (broken: UserError): void => {
    if (spare-- <= 0) throw broken;
    allowance?.onBroken(broken);
  };
  return async (count) => {
    const sound: SoundImage[] = [];
    while (sound.length < count) {
      const outcomes = await fewAtOnce(nextOf(items, count - sound.length), (item) => attempt(item, load));
      if (outcomes.length === 0) throw exhausted(images);
      for (const outcome of outcomes)
        if (outcome instanceof UserError) pass(outcome);
        else sound.push(outcome);
    }
    return sound;
  };
};

/** Decoded pictures are large, and a batch may have many: as many are in memory as threads decode. */
const mostAtOnce = 4;

/** The results in the order of the items. */
const fewAtOnce = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> => {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: mostAtOnce }, lane));
  return results;
};

const nextOf = <T>(items: Iterator<T>, count: number): readonly T[] => {
  const taken: T[] = [];
  while (taken.length < count) {
    const { done, value } = items.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
};

/** A broken image comes back as a value, so that the first in the order is the one that is told. */
const attempt = async <T>(item: T, load: SoundOptions<T>['load']): Promise<SoundImage | UserError> => {
  try {
    return await load(item);
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'ImageInvalid') return thrown;
    throw thrown;
  }
};

const exhausted = (images: number): UserError =>
  new UserError(
    'TooFewImages',
    `Drawing ${images} calibration images: too many of them are broken, and no other is left. Mend them, add images, or ask for fewer batches.`,
  );
