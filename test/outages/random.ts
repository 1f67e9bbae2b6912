/**
 * `npm run outages`: random faults, one after the other, with two operators. The seed is logged and reproduces them.
 */
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { endWithSignals } from '../cluster/end-with-signals.ts';
import { type NamedFault, quickFaults, slowFaults } from './faults.ts';
import { type Storm, startStorm } from './storm.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
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

type Round = { readonly name: string; readonly fault: NamedFault | (() => Promise<void>) };

/** Faults of processes and of the network of one replica. */
const blows = (storm: Storm, random: () => number): readonly Round[] => {
  const one = () => storm.replicas[Math.floor(random() * storm.replicas.length)]!;
  return [
    {
      name: 'a replica is killed',
      fault: async () => {
        await sleep(random() * 3000);
        one().replace();
      },
    },
    {
      name: 'a replica is frozen for 20 s',
      fault: async () => {
        const { process: frozen } = one();
        await sleep(random() * 2000);
        frozen.kill('SIGSTOP');
        await sleep(20_000);
        frozen.kill('SIGCONT');
      },
    },
    {
      name: 'a replica is cut off for 20 s',
      fault: async () => {
        const { proxy } = one();
        proxy.fault = (_request, response) => {
          response.destroy();
          return 'handled';
        };
        proxy.cut();
        await sleep(20_000);
        proxy.fault = () => 'pass';
      },
    },
  ];
};

/** A replica that lost the lease exits; like its Deployment, the test starts another one. */
const restartTheDead = (storm: Storm): NodeJS.Timeout =>
  setInterval(() => {
    for (const replica of storm.replicas)
      if (replica.process.exitCode !== null || replica.process.signalCode !== null) replica.replace();
  }, 500);

const main = async (): Promise<void> => {
  const random = chance(Number(values.seed));
  const storm = await startStorm({ replicas: 2, exportsPerRound: 3 });
  const restarts = restartTheDead(storm);
  process.stdout.write(`seed ${values.seed}, ${values.rounds} rounds\n`);
  try {
    const rounds: readonly Round[] = [
      ...[...quickFaults, ...slowFaults].map((fault) => ({ name: fault.name, fault })),
      ...blows(storm, random),
    ];
    for (let round = 1; round <= Number(values.rounds); round++) {
      const { name, fault } = rounds[Math.floor(random() * rounds.length)]!;
      const started = performance.now();
      await storm.weather(fault);
      process.stdout.write(`${round}: ${name}, ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
      if (storm.guard.broken.length > 0) throw new Error(storm.guard.broken.join('\n'));
    }
    const writes = await storm.writesWhenQuiet(10_000);
    if (writes.length > 0) throw new Error(`writes of a quiet system:\n${writes.join('\n')}`);
    process.stdout.write(`all invariants held; ${storm.guard.exports().length} exports\n`);
  } finally {
    clearInterval(restarts);
    await storm.stop();
  }
};

endWithSignals();
await main();
