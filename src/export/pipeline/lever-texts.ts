/** Sentences on what was tried for int8, for log, report and manifest. */
import type { EqualisedModel } from '../../graph/transforms/equalise/equalise.ts';
import type { Algorithm } from '../../ground/contract/architectures.ts';
import type { PairedAgreement } from './paired-agreement.ts';

type Change = { readonly equalised: EqualisedModel | undefined; readonly algorithm: Algorithm };

/** Names a candidate, by what differs from the given graph and the requested method. */
export const describeCandidate = ({ equalised, algorithm }: Change, requested: Algorithm): string =>
  capitalise(
    [
      ...(equalised
        ? [`channels equalised before ${equalised.layers} convolutions${describeRule(equalised)}`]
        : []),
      ...(algorithm === requested ? [] : [`thresholds by ${algorithm}`]),
    ].join(', '),
  );

/** Says what is exported instead of the given graph or the requested method, and what it gains. */
export const describeKept = (
  { equalised, algorithm }: Change,
  requested: Algorithm,
  figures: string,
): string => {
  const changes = [
    ...(equalised
      ? [`channels are equalised before ${equalised.layers} convolutions, in the .etlt too`]
      : []),
    ...(algorithm === requested ? [] : [`thresholds are by ${algorithm} instead of ${requested}`]),
  ];
  const cost = equalised ? `; ${costOf(equalised)}` : '';
  return `${capitalise(changes.join(', and '))} (${figures}${cost})`;
};

/** SQNR with and without a change. */
export const describeFigures = (before: PairedAgreement, after: PairedAgreement): string =>
  `SQNR ${after.whole.sqnrDb.toFixed(1)} dB with and ${before.whole.sqnrDb.toFixed(1)} dB without, on ${after.whole.images} held-out images`;

const describeRule = ({ nodes, summing, rule }: EqualisedModel): string => {
  const exponent = summing > 0 ? `, exponent ${rule.evenness}` : '';
  return ` (${nodes} nodes added${exponent})`;
};

const costOf = ({ nodes }: EqualisedModel): string =>
  nodes === 0 ? 'no node was added' : `${nodes} element-wise nodes were added, which engines compute as well`;

const capitalise = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
