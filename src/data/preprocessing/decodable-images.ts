/** Images one after the other, those left out that cannot be decoded, if so many may be. */
import { UserError } from '../../ground/base/errors.ts';

export type ErrorBudget = {
  /** Of the images wanted, 0…1. */
  readonly share: number;
  /** Called for each image that is left out. */
  readonly onBroken: (error: UserError) => void;
};

export type DecodedImage = { readonly path: string; readonly data: Float32Array };

/** The next images; calls must not overlap. */
export type Take = (count: number) => Promise<readonly DecodedImage[]>;

export type DecodeOptions<T> = {
  /** [C,H,W] of one picture. */
  readonly load: (item: T) => Promise<DecodedImage>;
  /** Images wanted in all. */
  readonly images: number;
  /** Not one may be broken if undefined. */
  readonly errorBudget?: ErrorBudget | undefined;
};

/**
 * An image that is left out makes room for the next item, so the sequence does not depend on how many are taken at
 * once. What is returned throws UserError ImageInvalid once more are broken than may be, TooFewImages when none is left.
 */
export const decodableImages = <T>(
  items: Iterator<T>,
  { load, images, errorBudget }: DecodeOptions<T>,
): Take => {
  let remaining = Math.floor(images * (errorBudget?.share ?? 0));
  const consumeBudget = (broken: UserError): void => {
    if (remaining-- <= 0) throw broken;
    errorBudget?.onBroken(broken);
  };
  return async (count) => {
    const decoded: DecodedImage[] = [];
    while (decoded.length < count) {
      const outcomes = await mapConcurrently(takeNext(items, count - decoded.length), (item) =>
        loadOrError(item, load),
      );
      if (outcomes.length === 0) throw noImagesLeft(images);
      for (const outcome of outcomes)
        if (outcome instanceof UserError) consumeBudget(outcome);
        else decoded.push(outcome);
    }
    return decoded;
  };
};

/** Decoded pictures are large, and a batch may have many: as many are in memory as threads decode. */
const maxConcurrentDecodes = 4;

/** The results in the order of the items. */
const mapConcurrently = async <T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> => {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]!);
    }
  };
  await Promise.all(Array.from({ length: maxConcurrentDecodes }, worker));
  return results;
};

const takeNext = <T>(items: Iterator<T>, count: number): readonly T[] => {
  const taken: T[] = [];
  while (taken.length < count) {
    const { done, value } = items.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
};

/** A broken image comes back as a value, so that the first in the order is the one that is told. */
const loadOrError = async <T>(item: T, load: DecodeOptions<T>['load']): Promise<DecodedImage | UserError> => {
  try {
    return await load(item);
  } catch (thrown) {
    if (thrown instanceof UserError && thrown.reason === 'ImageInvalid') return thrown;
    throw thrown;
  }
};

const noImagesLeft = (images: number): UserError =>
  new UserError(
    'TooFewImages',
    `Drawing ${images} calibration images: too many of them are broken, and no other is left. Mend them, add images, or ask for fewer batches.`,
  );
