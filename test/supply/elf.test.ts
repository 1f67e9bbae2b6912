/** Roots of images with missing parts, made of this machine's own programs. */
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { run } from '../cluster/run.ts';
import { inspectRoot, parseReadelf } from './elf.ts';

const folders = ['/lib'];

/** The library that this machine's `true` loads. */
const libc = async (): Promise<string> =>
  realpathSync(/libc\.so\.6 => (\S+)/.exec(await run('ldd', ['/usr/bin/true']))![1]!);

test('a library that is absent is named, one behind a link is found, and so is a symbol version that it lacks', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-test-root-'));
  for (const folder of ['bin', 'real']) mkdirSync(join(root, folder));
  copyFileSync('/usr/bin/true', join(root, 'bin/true'));
  writeFileSync(join(root, 'bin/text'), 'no ELF');
  symlinkSync('/real', join(root, 'lib'));
  const [alone, ...others] = await inspectRoot(root, folders);
  t.deepEqual(others, []);
  t.like(alone, { path: '/bin/true', missing: ['libc.so.6'] });
  t.regex(alone!.glibc, /^GLIBC_2\.\d+$/);
  copyFileSync(await libc(), join(root, 'real/libc.so.6'));
  t.deepEqual((await inspectRoot(root, folders)).find(({ path }) => path === '/bin/true')?.missing, []);
  copyFileSync('/usr/bin/true', join(root, 'real/libc.so.6'));
  const wrong = (await inspectRoot(root, folders)).find(({ path }) => path === '/bin/true')!;
  t.true(wrong.missing.includes(`libc.so.6 ${wrong.glibc}`), String(wrong.missing));
});

test('the output of readelf is read whole', async (t) => {
  const flags = ['--wide', '--file-header', '--dynamic', '--version-info', process.execPath];
  const { machine, needed, needs, has } = parseReadelf(await run('readelf', flags));
  t.is(machine, { x64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' }[process.arch as 'x64']);
  t.true(needed.includes('libc.so.6'));
  t.deepEqual(
    Object.keys(needs).filter((library) => !needed.includes(library) && !library.startsWith('ld-')),
    [],
  );
  t.true(needs['libstdc++.so.6']!.every((version) => /^(GLIBCXX|CXXABI)_/.test(version)));
  t.true(
    has.every((version) => !version.startsWith('GLIBC_')),
    'what it needs is not what it has',
  );
});
