/** Ports that several processes reserve at the same time. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { freePort } from './free-port.ts';

const module = new URL('free-port.ts', import.meta.url).href;
const reserve = `
  import { freePort } from ${JSON.stringify(module)};
  const ports = [];
  for (let i = 0; i < 200; i++) ports.push(await freePort());
  process.stdout.write(ports.join(' ') + '\\n');
  process.stdin.resume();
  process.stdin.on('end', () => process.exit());
`;

test('no port is given twice, to whatever processes, nor one that the system gives to connections', async (t) => {
  const mine = Promise.all(Array.from({ length: 200 }, freePort));
  const others = await Promise.all([reserveInProcess(), reserveInProcess()]);
  const ports = [...(await mine), ...others.flatMap((other) => other.ports)];
  for (const { end } of others) await end();
  t.is(new Set(ports).size, 600);
  t.true(Math.max(...ports) < 32_768 && Math.min(...ports) > 1023);
});

/** The ports of another process, which keeps them until `end`. */
const reserveInProcess = async () => {
  const running = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', reserve]);
  const [text] = (await running.child.stdout!.take(1).toArray()) as string[];
  const end = async (): Promise<void> => {
    running.child.stdin!.end();
    await running;
  };
  return { ports: text!.trim().split(' ').map(Number), end };
};
