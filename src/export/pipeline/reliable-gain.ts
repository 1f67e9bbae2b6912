/** Whether a change of an int8 model gains accuracy on other images than those that it was measured on. Pure. */
import type { Agreement } from '../../graph/evaluation/agreement.ts';
import type { PairedAgreement } from './paired-agreement.ts';

/** In dB: smaller gains are not worth another graph or cache. */
const leastGainDb = 0.5;

/** Probability that a change that helps as many images as it harms is taken for a gain. */
const mostChance = 0.01;

type Ratios = Pick<PairedAgreement, 'each'> & { readonly whole: Pick<Agreement, 'sqnrDb'> };

/**
 * Whether SQNR gains 0.5 dB over all images, and single images gain so often that chance explains it with less than 1 %. The first
 * alone would be decided by the few images with most noise.
 */
export const isReliableGain = (before: Ratios, after: Ratios): boolean =>
  after.whole.sqnrDb >= before.whole.sqnrDb + leastGainDb &&
  signTest(after.each.filter((db, i) => db > before.each[i]!).length, after.each.length) < mostChance;

/**
 * The exact one-sided sign test: probability of at least as many gains if each image gains or loses with probability ½. An image without
 * a difference is no gain.
 */
export const signTest = (gains: number, images: number): number => {
  let [term, sum] = [0.5 ** images, 0];
  for (let k = 0; k <= images; k++) {
    if (k >= gains) sum += term;
    term *= (images - k) / (k + 1);
  }
  return sum;
};

/** Fewest images that can show a reliable gain: all of them gain. */
export const fewestImages = Math.ceil(-Math.log2(mostChance));
