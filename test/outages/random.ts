/** `npm run outages`: random faults, one after the other, against two operators; the seed is logged, and repeats them. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { endWithSignals } from '../cluster/end-with-signals.ts';
import {
  allKilled,
  apiserverRestart,
  type Blow,
  clockJump,
  compaction,
  frozenLeader,
  killed,
  lostEvents,
  partitionedLeader,
  quota,
} from './blows.ts';
import { play, quickFaults, slowFaults } from './faults.ts';
import { type Storm, startStorm } from './storm.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

/** Mulberry32. */
const chance = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const blowsBy = (random: () => number): readonly Blow[] => [
  ...[...quickFaults, ...slowFaults].map((fault) => ({
    name: fault.name,
    strike: ({ replicas }: Storm) =>
      play(
        replicas.map(({ proxy }) => proxy),
        fault,
      ),
  })),
  killed(random),
  allKilled,
  frozenLeader(20_000),
  partitionedLeader(20_000),
  clockJump,
  lostEvents,
  apiserverRestart,
  compaction,
  quota,
];

/** Every kind once in an order of chance, then again in another one. */
function* shuffled<T>(kinds: readonly T[], random: () => number): Generator<T> {
  for (;;) {
    const left = [...kinds];
    while (left.length > 0) yield left.splice(Math.floor(random() * left.length), 1)[0]!;
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const memoryOf = async ({ replicas }: Storm): Promise<string> => {
  const bytes = await Promise.all(replicas.map(({ metric }) => metric('process_resident_memory_bytes')));
  return bytes.map((each) => (each === 0 ? '–' : `${Math.round(each / 2 ** 20)} MiB`)).join(', ');
};

/** The order of faults depends on the seed alone, so that a run can be repeated in parts. */
const endure = async (storm: Storm, seed: number): Promise<void> => {
  const blows = shuffled(blowsBy(chance(seed + 1)), chance(seed));
  const [first, rounds] = [Number(values.from), Number(values.rounds)];
  for (let skipped = 1; skipped < first; skipped++) blows.next();
  for (let round = first; round < first + rounds; round++) {
    const { name, strike } = blows.next().value as Blow;
    const started = performance.now();
    await storm.weather(() => strike(storm));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    print(`${round}: ${name}, ${seconds} s, ${await memoryOf(storm)}`);
    if (storm.guard.broken.length > 0) throw new Error(storm.guard.broken.join('\n'));
  }
  const writes = await storm.writesWhenQuiet(10_000);
  if (writes.length > 0) throw new Error(`writes of a quiet system:\n${writes.join('\n')}`);
};

const main = async (): Promise<void> => {
  const storm = await startStorm({ replicas: 2, exportsPerRound: 3 });
  print(`seed ${values.seed}, ${values.rounds} rounds from ${values.from}`);
  try {
    await endure(storm, Number(values.seed));
    const { exports, jobCount } = storm.guard;
    print(`all invariants held: ${exports().length} exports remain, ${jobCount()} Jobs were created`);
  } finally {
    await storm.stop();
  }
};

endWithSignals();
await main();
