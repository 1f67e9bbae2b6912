/**
 * Entry of `npm run verify`: runs all checks of generated files, types, style and wording at the same time, and prints the
 * output of those that fail. The compiler keeps what it knows of unchanged files in node_modules/.cache.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';

const root = join(import.meta.dirname, '..');

const typesOf = (project: string, name: string): readonly string[] => [
  ...['tsc', '--noEmit', '--project', project, '--incremental'],
  ...['--tsBuildInfoFile', join(root, 'node_modules/.cache/types', `${name}.json`)],
];

const checks: readonly (readonly string[])[] = [
  ['biome', 'check', '.'],
  typesOf('test', 'test'),
  typesOf('.', 'src'),
  ['node', 'src/generate.ts', '--check'],
  ['node', 'test/language.ts'],
];

const check = ([program = '', ...args]: readonly string[]): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => output.push(part));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0) process.stderr.write(`${[program, ...args].join(' ')}:\n${Buffer.concat(output)}`);
      resolve(code === 0);
    });
  });

const passed = await Promise.all(checks.map(check));
if (passed.includes(false)) process.exitCode = 1;
