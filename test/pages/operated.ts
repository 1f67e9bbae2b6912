/** Commands of pages that run until they are stopped: started, seen ready, and ended by the signal that a kubelet sends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { freePort } from '../cluster/free-port.ts';
import { tied } from '../cluster/outlived.ts';
import { eventually } from '../cluster/run.ts';
import { type Block, stepsOf } from './blocks.ts';
import { splitCommands } from './shell-words.ts';

const operatorFile = join(import.meta.dirname, '..', '..', 'src', 'operator.ts');

/** How a command ended after SIGTERM, and the end of what it logged. */
export type Ended = { readonly command: string; readonly code: number | null; readonly log: string };

/** Runs one command of the operator, with free ports in place of the default ones. */
const runUntilReady = async (flags: readonly string[], kubeconfig: string): Promise<Ended> => {
  const [metrics, probes] = [await freePort(), await freePort()];
  const ports = ['--metrics-bind', `127.0.0.1:${metrics}`, '--probe-bind', `127.0.0.1:${probes}`];
  const env = { ...process.env, KUBECONFIG: kubeconfig };
  const child = tied(
    spawn(process.execPath, [operatorFile, ...flags, ...ports], { env, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => {
      log = (log + part.toString()).slice(-4000);
    });
  const exited = once(child, 'exit');
  try {
    await eventually(
      `operator ${flags.join(' ')} to be ready`,
      async () => ((await fetch(`http://127.0.0.1:${probes}/readyz`)).ok ? true : undefined),
      60_000,
    );
  } finally {
    child.kill('SIGTERM');
  }
  const [code] = (await exited) as [number | null];
  return { command: flags.join(' '), code, log };
};

/** Runs each command of the operator in a block, one after the other. */
export const runOperators = async (block: Block, kubeconfig: string): Promise<readonly Ended[]> => {
  const ended: Ended[] = [];
  for (const [program, ...flags] of stepsOf(block).flatMap(({ command }) => splitCommands(command))) {
    if (program !== 'operator') throw new Error(`${block.page}: ${program} is not the operator`);
    ended.push(await runUntilReady(flags, kubeconfig));
  }
  return ended;
};
