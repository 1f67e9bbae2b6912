/** Yields decodable images in order and skips up to the allowed number of broken ones. */
import { UserError } from '../../ground/base/errors.ts';

/** How many images may fail to decode. */
export type ErrorBudget = {
  /** Fraction of the requested images, 0…1. */
  readonly share: number;
  /** Called for each skipped image. */
  readonly onBroken: (error: UserError) => void;
};

/** Returns the next `count` images; calls must not overlap. @throws UserError ImageInvalid, TooFewImages */
export type Take<Image> = (count: number) => Promise<readonly Image[]>;

/** How items are decoded, and how many may fail. */
export type DecodeOptions<T, Image> = {
  /** Decodes one item. @throws UserError ImageInvalid if it is broken */
  readonly load: (item: T) => Promise<Image>;
  /** Total number of images requested. */
  readonly images: number;
  /** If undefined, the first broken image is an error. */
  readonly errorBudget?: ErrorBudget | undefined;
};

/**
 * Makes a `Take` over `items`. The next item replaces a broken one, so the sequence does not depend on the batch size. The
 * returned function throws UserError ImageInvalid when the error budget is exceeded, and TooFewImages when items run out.
 */
export const decodableImages = <T, Image>(
  items: Iterator<T>,
  { load, images, errorBudget }: DecodeOptions<T, Image>,
): Take<Image> => {
  let remaining = Math.floor(images * (errorBudget?.share ?? 0));
  const consumeBudget = (broken: UserError): void => {
    if (remaining-- <= 0) throw broken;
    errorBudget?.onBroken(broken);
  };
  return async (count) => {
    const decoded: Image[] = [];
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

/** Bounds memory: a batch can be large, but only as many pictures are in memory as libuv threads decode. */
const maxConcurrentDecodes = 4;

/** Like Promise.all over `work(item)`, with bounded concurrency; results keep the order of the items. */
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

/** Returns a decoding error as a value, so that the first broken image in order is reported, not the first to fail. */
const loadOrError = async <T, Image>(
  item: T,
  load: DecodeOptions<T, Image>['load'],
): Promise<Image | UserError> => {
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
    `Drawing ${images} calibration images: too many are broken, and no other images are left. Fix them, add images, or reduce the number of batches.`,
  );
