/** Whether a change of the graph gains accuracy on other images than those that it was measured on. Pure. */
import type { Agreement } from '../../graph/evaluation/agreement.ts';
import type { HalvedAgreement } from './verify-int8.ts';

/** In dB: smaller gains are not worth another graph. */
const leastGainDb = 0.5;

type Ratios = { readonly [K in keyof HalvedAgreement]: K extends 'whole' ? Ratio : readonly Ratio[] };
type Ratio = Pick<Agreement, 'sqnrDb'>;

/** Whether SQNR gains 0.5 dB, and something on each half of the images, so that a few images alone do not decide. */
export const isReliableGain = (before: Ratios, after: Ratios): boolean =>
  after.whole.sqnrDb >= before.whole.sqnrDb + leastGainDb &&
  after.halves.every(({ sqnrDb }, i) => sqnrDb > before.halves[i]!.sqnrDb);
