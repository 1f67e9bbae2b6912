/** What the user has to do next, from the remedies of reasons.ts. Pure. */
import { reasons, requestAttempt } from '../api/reasons.ts';
import type { Advice, StageReport, StatusReport } from './report.ts';
import { commandFor } from './requests.ts';
import { findReason } from './stage.ts';

/** `export`, or `engine ampere`. */
export const titleOf = ({ stage, deviceClass }: Pick<StageReport, 'stage' | 'deviceClass'>): string =>
  deviceClass === undefined ? stage : `${stage} ${deviceClass}`;

/** What the advice depends on. */
export type Situation = {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly state: StatusReport['state'];
  readonly stages: readonly StageReport[];
};

/** One entry per remedy, in the order of the stages. */
export const advise = ({ metadata, state, stages }: Situation): readonly Advice[] => {
  if (state === 'Ready') return [];
  if (state === 'Unseen') return [waitForOperator(state, 'no status for the current spec was written yet')];
  if (state === 'Requested')
    return [waitForOperator(state, 'the request for another attempt is not handled yet')];
  const found = new Map<string, Advice>();
  for (const stage of stages) {
    const remedy = stage.state === 'done' ? undefined : findReason(stage.reason)?.remedy;
    if (remedy === undefined) continue;
    const about = [...(found.get(stage.reason)?.about ?? []), titleOf(stage)];
    found.set(stage.reason, { about, reason: stage.reason, remedy: nameCommands(remedy, metadata) });
  }
  return [...found.values()];
};

const waitForOperator = (reason: string, why: string): Advice => ({
  about: ['operator'],
  reason,
  remedy: `None for a few seconds. If it persists, check that the operator runs and watches this namespace: ${why}.`,
});

/** The remedy with the commands of the plugin in place of what they write. */
const nameCommands = (remedy: string, metadata: Situation['metadata']): string =>
  remedy
    .replace(requestAttempt, `run: ${commandFor('retry', metadata)}`)
    .replace(reasons.Suspended.remedy ?? '', `Run: ${commandFor('resume', metadata)}`);
