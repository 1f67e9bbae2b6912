/** The cache of the tests: an entry appears once and complete, with any number of concurrent callers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { cached } from './cache.ts';

process.env.TLT_TEST_CACHE = mkdtempSync(join(tmpdir(), 'tlt-cache-'));
const cache = process.env.TLT_TEST_CACHE;

/** Slow enough for callers to overlap; writes a side file like the image builders. */
const makeFolder = async (path: string): Promise<void> => {
  mkdirSync(path);
  for (const name of ['a', 'b', 'c']) {
    await sleep(20);
    writeFileSync(join(path, name), name);
  }
  writeFileSync(`${path}.side`, 'left by the builder');
};

const unfinished = (): readonly string[] => readdirSync(cache).filter((name) => name.startsWith('.'));

test.serial('callers of one process share one call of the producer', async (t) => {
  let calls = 0;
  const ask = () =>
    cached('shared', (path) => {
      calls += 1;
      return makeFolder(path);
    });
  const paths = await Promise.all([ask(), ask(), ask()]);
  t.is(calls, 1);
  t.deepEqual(new Set(paths), new Set([join(cache, 'shared')]));
  t.deepEqual(readdirSync(join(cache, 'shared')), ['a', 'b', 'c']);
  t.deepEqual(unfinished(), []);
});

const program = `
  import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { cached } from ${JSON.stringify(join(import.meta.dirname, 'cache.ts'))};
  await cached('across', async (path) => {
    appendFileSync(${JSON.stringify(join(cache, 'makers'))}, process.pid + '\\n');
    mkdirSync(path);
    for (const name of ['a', 'b', 'c']) {
      await sleep(50);
      writeFileSync(path + '/' + name, name);
    }
  });
`;

const endless = `
  import { cached } from ${JSON.stringify(join(import.meta.dirname, 'cache.ts'))};
  await cached('taken-over', () => {
    process.stdout.write('makes it');
    setInterval(() => {}, 1000);
    return new Promise(() => {});
  });
`;

const runProgram = (): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', resolve);
  });

test.serial(
  'of processes that want the same entry at the same time one makes it, and all have it complete',
  async (t) => {
    t.deepEqual(await Promise.all([runProgram(), runProgram(), runProgram(), runProgram()]), [0, 0, 0, 0]);
    t.is(readFileSync(join(cache, 'makers'), 'utf8').split('\n').filter(Boolean).length, 1);
    t.deepEqual(readdirSync(join(cache, 'across')), ['a', 'b', 'c']);
    t.deepEqual(unfinished(), []);
  },
);

test.serial('a failed producer leaves nothing, and the next caller produces the entry', async (t) => {
  await t.throwsAsync(
    cached('failing', async (path) => {
      await makeFolder(path);
      throw new Error('no space');
    }),
    { message: 'no space' },
  );
  t.false(existsSync(join(cache, 'failing')));
  t.deepEqual(unfinished(), []);
  const path = await cached('failing', makeFolder);
  t.is(readFileSync(join(path, 'c'), 'utf8'), 'c');
});

test.serial('files of a killed process are removed by the next one', async (t) => {
  const abandoned = join(cache, '.unfinished-999999999-x');
  mkdirSync(abandoned);
  await cached('after-a-kill', makeFolder);
  t.false(existsSync(abandoned));
  t.deepEqual(unfinished(), []);
});

test.serial('a process that waits makes the entry itself once the one that made it is killed', async (t) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', endless], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const waiting = cached('taken-over', makeFolder);
  await sleep(200);
  t.false(existsSync(join(cache, 'taken-over')));
  child.kill('SIGKILL');
  t.deepEqual(readdirSync(await waiting), ['a', 'b', 'c']);
  t.deepEqual(unfinished(), []);
});
