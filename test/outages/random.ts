/** `npm run outages`: random faults, one after the other, against two operators; the seed is logged, and repeats them. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { endWithSignals } from '../cluster/end-with-signals.ts';
import {
  allKilled,
  apiserverRestart,
  clockJump,
  compaction,
  type Disturbance,
  frozenLeader,
  killed,
  lostEvents,
  partitionedLeader,
  quota,
} from './disturbances.ts';
import { injectFault, quickFaults, slowFaults } from './network-faults.ts';
import { startTestbed, type Testbed } from './testbed.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

/** Mulberry32. */
const randomFrom = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const disturbancesBy = (random: () => number): readonly Disturbance[] => [
  ...[...quickFaults, ...slowFaults].map((fault) => ({
    name: fault.name,
    inject: ({ replicas }: Testbed) =>
      injectFault(
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

/** Every kind once in a random order, then again in another one. */
function* shuffled<T>(kinds: readonly T[], random: () => number): Generator<T> {
  for (;;) {
    const left = [...kinds];
    while (left.length > 0) yield left.splice(Math.floor(random() * left.length), 1)[0]!;
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const memoryOf = async ({ replicas }: Testbed): Promise<string> => {
  const bytes = await Promise.all(replicas.map(({ metric }) => metric('process_resident_memory_bytes')));
  return bytes.map((each) => (each === 0 ? '–' : `${Math.round(each / 2 ** 20)} MiB`)).join(', ');
};

/** The order of faults depends on the seed alone, so that a run can be repeated in parts. */
const runRounds = async (testbed: Testbed, seed: number): Promise<void> => {
  const disturbances = shuffled(disturbancesBy(randomFrom(seed + 1)), randomFrom(seed));
  const [first, rounds] = [Number(values.from), Number(values.rounds)];
  for (let skipped = 1; skipped < first; skipped++) disturbances.next();
  for (let round = first; round < first + rounds; round++) {
    const { name, inject } = disturbances.next().value as Disturbance;
    const started = performance.now();
    await testbed.runRound(() => inject(testbed));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    print(`${round}: ${name}, ${seconds} s, ${await memoryOf(testbed)}`);
    if (testbed.invariants.violations.length > 0) throw new Error(testbed.invariants.violations.join('\n'));
  }
  const writes = await testbed.writesWhenQuiet(10_000);
  if (writes.length > 0) throw new Error(`writes of a quiet system:\n${writes.join('\n')}`);
};

const main = async (): Promise<void> => {
  const testbed = await startTestbed({ replicas: 2, exportsPerRound: 3 });
  print(`seed ${values.seed}, ${values.rounds} rounds from ${values.from}`);
  try {
    await runRounds(testbed, Number(values.seed));
    const { exports, jobCount } = testbed.invariants;
    print(`all invariants held: ${exports().length} exports remain, ${jobCount()} Jobs were created`);
  } finally {
    await testbed.stop();
  }
};

endWithSignals();
await main();
