/**
 * Joins the results of engines that are built one shortly after the other into one write of the status. Nothing depends
 * on the result of an engine, and until it is written, its Job and pod have it. Pure.
 */
import type { EngineStage } from './engine-stage.ts';
import type { Stages } from './stages.ts';

/** How long the result of an engine waits for those of the others, in milliseconds. */
export const joinMs = 10_000;

const underway: readonly string[] = ['Building', 'ToBuild'];

/** The stages without the results that still wait; undefined if none waits. */
export const withoutFreshResults = ({ exported, engines }: Stages, now: number): Stages | undefined => {
  const times = engines.flatMap(({ unwritten }) => unwritten?.builtAtMs ?? []);
  const isLast = !engines.some(({ state, unwritten }) => !unwritten && underway.includes(state.kind));
  const dueMs = Math.min(...times) + joinMs;
  // A clock that is far behind that of the apiserver must not make it wait for longer.
  if (times.length === 0 || isLast || now >= dueMs || now < dueMs - 2 * joinMs) return undefined;
  const hold = (stage: EngineStage): EngineStage =>
    stage.unwritten ? { ...stage.unwritten.stage, lookAtMs: dueMs } : stage;
  return { exported, engines: engines.map(hold) };
};
