/** `.ci/run` counts the tests of both tiers, and the end of its output names what failed. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const root = join(import.meta.dirname, '..');

const passes = `import test from 'ava'; test('adds', (t) => t.is(1 + 1, 2));`;
const fails = `import test from 'ava'; test('adds', (t) => t.pass()); test('subtracts', (t) => t.is(3 - 1, 1));`;
const dies = `import test from 'ava'; test('stays', () => process.kill(process.pid, 'SIGKILL'));`;

type Tiers = {
  readonly first: Readonly<Record<string, string>>;
  readonly second: Readonly<Record<string, string>>;
};

/** Runs `.ci/run` in a project whose tiers are these files of tests. */
const runTiers = ({
  first,
  second,
}: Tiers): { readonly status: number | null; readonly lines: readonly string[] } => {
  const project = mkdtempSync(join(tmpdir(), 'tiers-'));
  mkdirSync(join(project, '.ci'));
  cpSync(join(root, '.ci', 'run'), join(project, '.ci', 'run'));
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  for (const [name, text] of Object.entries({ ...first, ...second }))
    writeFileSync(join(project, name), text);
  const ava = (files: object): string => ['ava', ...Object.keys(files)].join(' ');
  const scripts = { test: ava(first), 'test:cluster': ava(second) };
  const ofProject = {
    name: 'tiers',
    type: 'module',
    scripts,
    ava: { files: ['*.test.js'], workerThreads: false },
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify(ofProject));
  const { status, stdout } = spawnSync(join(project, '.ci', 'run'), { encoding: 'utf8' });
  return { status, lines: stdout.trimEnd().split('\n') };
};

test('tests that pass are counted', (t) => {
  const { status, lines } = runTiers({ first: { 'a.test.js': passes }, second: { 'b.test.js': passes } });
  t.is(lines.at(-1), '2 passed, 0 failed');
  t.is(status, 0);
});

test('the end of the output names each test that failed, and each process that died with its tests', (t) => {
  const { status, lines } = runTiers({
    first: { 'fails.test.js': fails, 'dies.test.js': dies },
    second: { 'b.test.js': passes },
  });
  t.is(lines.at(-1), '2 passed, 1 failed');
  t.is(status, 1);
  const end = lines.slice(lines.findIndex((line) => line.startsWith('npm run test failed')));
  t.true(end.some((line) => /^ {2}✘ \[fail\]: fails › subtracts/.test(line)));
  t.true(end.some((line) => /^ {2}✘ dies\.test\.js exited due to SIGKILL/.test(line)));
  t.true(end.includes('  Difference (- actual, + expected):'));
});
