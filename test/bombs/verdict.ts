/** What a bomb may do: be refused by a typed error, or finish; an endless one ends within two seconds of a signal. */

import { completeResources } from '../../src/cluster/jobs/resources.ts';
import { failures, reasonOfExitCode } from '../../src/ground/base/failures.ts';
import { parseByteQuantity } from '../../src/ground/base/quantity.ts';
import type { Bomb } from './all.ts';
import { type Bounded, runBounded } from './cgroup.ts';

/** Default limit of the pod that would meet it, in MiB. */
const limitOf = ({ args }: Bomb): number => {
  const role = args[0]!.includes('tensorfile') ? 'tensorfile' : 'export';
  return parseByteQuantity(`${completeResources(role).limits.memory}`) / 2 ** 20;
};

/** Seconds until the signal: an endless bomb is at work by then, and no other one takes as long, on a busy machine either. */
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
  if (killed > 0) return 'the kernel killed it';
  if (exitCode === undefined) return 'a signal ended it';
  if (exitCode === failures.Internal.exitCode || (exitCode > 0 && reasonOfExitCode(exitCode) === undefined))
    return `it ended with ${exitCode}: ${stderr.slice(-300)}`;
  const wasStopped = exitCode === failures.Interrupted.exitCode;
  if (wasStopped !== isEndless) return wasStopped ? 'it did not end by itself' : 'it ended by itself';
  return afterSignal !== undefined && afterSignal > 2
    ? `it outlasted the signal by ${afterSignal.toFixed(1)} s`
    : undefined;
};
