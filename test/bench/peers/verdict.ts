/** Sums up a table of quantisers: on how many models ours is faster than float, faster than the others, and at least as accurate. Pure. */
import type { Compared } from './compared.ts';

/** What each quantiser reached on one model; `compared` is undefined for one that failed. */
export type Judged = readonly {
  readonly quantiser: string;
  readonly compared?: Pick<Compared, 'decibels' | 'integerOperators' | 'speed'>;
}[];

/** Timings of two equal programs differ by this share. */
const equalSpeed = 0.03;

/** Sentences for the page. */
export const describeVerdict = (judged: readonly Judged[], ours: string): string => {
  const pairs = judged.flatMap((each) => {
    const mine = each.find(({ quantiser }) => quantiser === ours)?.compared;
    const others = each.flatMap(({ quantiser, compared }) =>
      compared && !quantiser.startsWith(ours) ? [compared] : [],
    );
    return mine ? [{ mine, others }] : [];
  });
  const contested = pairs.filter(({ others }) => others.length > 0);
  const best = (of: readonly Pick<Compared, 'decibels' | 'speed'>[], by: 'decibels' | 'speed') =>
    Math.max(...of.map((each) => each[by]));
  const differences = contested.map(({ mine, others }) => mine.decibels - best(others, 'decibels'));
  const integers = pairs.filter(({ mine }) => mine.integerOperators > 0);
  const speeds = pairs.map(({ mine }) => mine.speed).toSorted((a, b) => a - b);
  const count = (holds: readonly boolean[]): string => `${holds.filter(Boolean).length} of ${holds.length}`;
  return [
    `Less processor time than float on ${count(pairs.map(({ mine }) => mine.speed > 1 + equalSpeed))} models, within 3 % of it on ${count(pairs.map(({ mine }) => Math.abs(mine.speed - 1) <= equalSpeed))}; the median is ${speeds[speeds.length >> 1]?.toFixed(2)} times as fast.`,
    `${count(pairs.map(({ mine }) => mine.integerOperators > 0))} engines have integers; of these, ${count(integers.map(({ mine }) => mine.speed > 1 + equalSpeed))} are faster than float.`,
    `SQNR at least that of the best of the others on ${count(differences.map((each) => each >= 0))} models, at most 0.3 dB less on ${count(differences.map((each) => each >= -0.3))}; the worst difference is ${Math.min(...differences).toFixed(1)} dB.`,
    `At least as fast as the fastest of the others (within 3 %) on ${count(contested.map(({ mine, others }) => mine.speed >= best(others, 'speed') * (1 - equalSpeed)))} models.`,
  ].join('\n');
};
