/**
 * `npm run slowest -- [PATTERN…]`: runs the test files that match (default: all, without the cluster) one after the other, and
 * lists the slowest by processor time, which other work on the machine hardly changes. Servers that a test starts in
 * another session are not counted. Exits with 1 if a file fails.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');
const shown = 20;
const patterns = process.argv.slice(2);
const files = globSync(patterns.length > 0 ? patterns : ['test/**/*.test.ts'], { cwd: root }).sort();

type Measured = { readonly file: string; readonly seconds: number; readonly passed: boolean };

/** Seconds of processor time in the second line of `times`: the children of the shell, as 1m2.5s 0m3.25s. */
const secondsOf = (output: string): number =>
  [
    ...output
      .trim()
      .split('\n')
      .at(-1)!
      .matchAll(/(\d+)m([\d.]+)s/g),
  ].reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);

const measure = (file: string): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const script = 'ava --config test/ava.config.js "$0" >&2; status=$?; times; exit $status';
    const child = spawn('sh', ['-c', script, file], { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (part) => {
      output += part;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ file, seconds: secondsOf(output), passed: code === 0 }));
  });

const measured: Measured[] = [];
for (const file of files) {
  measured.push(await measure(file));
  process.stderr.write(`${measured.length}/${files.length} ${file}\n`);
}
for (const { file, seconds, passed } of measured.toSorted((a, b) => b.seconds - a.seconds).slice(0, shown))
  process.stdout.write(`${seconds.toFixed(1).padStart(6)} s  ${file}${passed ? '' : '  FAILED'}\n`);
const total = measured.reduce((sum, { seconds }) => sum + seconds, 0);
process.stdout.write(`${total.toFixed(1).padStart(6)} s  ${files.length} files\n`);
for (const { file } of measured.filter(({ passed }) => !passed)) process.stderr.write(`failed: ${file}\n`);
process.exitCode = measured.every(({ passed }) => passed) ? 0 : 1;
