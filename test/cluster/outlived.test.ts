/** What a test started ends with it, also if nothing of the test could run at its end. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { background, eventually } from './run.ts';

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // No process has that id.
  }
};

/** A test that starts a server with a child of its own, and a folder; it prints the ids of the two processes. */
const program = (folder: string): string => `
  import { background } from '${join(import.meta.dirname, 'run.ts')}';
  import { tiedFolder } from '${join(import.meta.dirname, 'outlived.ts')}';
  tiedFolder('${folder}');
  const server = background('sh', ['-c', 'sleep 300 & echo $!; wait'], { log: '${folder}/log' });
  process.stdout.write(String(server.pid));
  setInterval(() => {}, 1000);
`;

test('a killed test leaves no process of its servers, and no folder', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-outlived-'));
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program(folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const server = Number(await new Promise((resolve) => child.stdout.once('data', resolve)));
  t.true(isRunning(server));
  child.kill('SIGKILL');
  await eventually('the server to end', async () => !isRunning(server) || undefined);
  await eventually('the folder to go', async () => !existsSync(folder) || undefined);
  t.false(isGroupRunning(server), 'what the server started has ended, too');
});

const isGroupRunning = (group: number): boolean => isRunning(-group);

test('a server that ends by itself leaves no watcher', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-outlived-'));
  const server = background('true', [], { log: join(folder, 'log') });
  await server.exited;
  const watchers = () =>
    new Promise<string>((resolve) => {
      const ps = spawn('ps', ['-o', 'args=', '--ppid', String(process.pid)]);
      let text = '';
      ps.stdout.on('data', (part) => {
        text += part;
      });
      ps.once('close', () => resolve(text));
    });
  await eventually(
    'the watcher to end',
    async () => !(await watchers()).includes(`-${server.pid}`) || undefined,
  );
  t.pass();
});
