/** Judges the run of a bomb: it must be refused with a UserError or finish; an endless one must end within two seconds of a signal. */

import { completeResources } from '../../src/cluster/jobs/resources.ts';
import { failures, reasonOfExitCode } from '../../src/ground/base/failures.ts';
import { parseByteQuantity } from '../../src/ground/base/quantity.ts';
import type { Bomb } from './all.ts';
import { type Bounded, runBounded } from './cgroup.ts';

/** Default memory limit of the pod that would read it, in MiB. */
const limitOf = ({ args }: Bomb): number => {
  const role = args[0]!.includes('tensorfile') ? 'tensorfile' : 'export';
  return parseByteQuantity(`${completeResources(role).limits.memory}`) / 2 ** 20;
};

/** Seconds until the signal. By then an endless bomb is running, and all others have ended, even on a busy machine. */
const patience = { endless: 20, other: 500 } as const;

export type Verdict = Bounded & { readonly memoryMiB: number; readonly fault: string | undefined };

export const setOff = async (bomb: Bomb): Promise<Verdict> => {
  const memoryMiB = limitOf(bomb);
  const seconds = bomb.isEndless ? patience.endless : patience.other;
  const bounded = await runBounded(bomb.args, { memoryMiB, seconds });
  return { ...bounded, memoryMiB, fault: faultOf(bomb, bounded) };
};

const faultOf = (
  { isEndless = false }: Bomb,
  { exitCode, killed, afterSignal, stderr }: Bounded,
): string | undefined => {
  if (killed > 0) return 'the OOM killer ended it';
  if (exitCode === undefined) return 'a signal ended it';
  if (exitCode === failures.Internal.exitCode || (exitCode > 0 && reasonOfExitCode(exitCode) === undefined))
    return `it ended with ${exitCode}: ${stderr.slice(-300)}`;
  const wasStopped = exitCode === failures.Interrupted.exitCode;
  if (wasStopped !== isEndless)
    return wasStopped ? 'it did not end without a signal' : 'it ended without a signal';
  return afterSignal !== undefined && afterSignal > 2
    ? `it ended ${afterSignal.toFixed(1)} s after the signal`
    : undefined;
};
