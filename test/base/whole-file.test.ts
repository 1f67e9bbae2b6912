import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import test, { type ExecutionContext } from 'ava';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { makeOutputs, writeWholeFile } from '../../src/ground/base/whole-file.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'whole-file-'));
const once = { overwrite: false } as const;

const fails = async (t: ExecutionContext, path: string, reason: FailureReason): Promise<void> => {
  const error = await t.throwsAsync(writeWholeFile(path, 'new', once), { instanceOf: UserError });
  t.is(error?.reason, reason);
  t.true(error?.message.includes(path), error?.message);
};

test('writes the bytes and leaves nothing else in the folder', async (t) => {
  const place = folder();
  await writeWholeFile(join(place, 'model.etlt'), Uint8Array.of(1, 2, 3), once);
  t.deepEqual(readdirSync(place), ['model.etlt']);
  t.deepEqual([...readFileSync(join(place, 'model.etlt'))], [1, 2, 3]);
});

test('never replaces a file without overwrite', async (t) => {
  const place = folder();
  const path = join(place, 'cal.bin');
  writeFileSync(path, 'old');
  await fails(t, path, 'OutputExists');
  t.is(readFileSync(path, 'utf8'), 'old');
  await writeWholeFile(path, 'new', { overwrite: true });
  t.is(readFileSync(path, 'utf8'), 'new');
  t.deepEqual(readdirSync(place), ['cal.bin']);
});

test('does not write through a dangling link', async (t) => {
  const path = join(folder(), 'link');
  symlinkSync('/nowhere/at/all', path);
  await fails(t, path, 'OutputExists');
});

test('of two concurrent writers exactly one wins and the other gets an error', async (t) => {
  const place = folder();
  const path = join(place, 'out');
  const results = await Promise.allSettled(['a', 'b'].map((text) => writeWholeFile(path, text, once)));
  t.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  t.is(readFileSync(path, 'utf8'), results[0]?.status === 'fulfilled' ? 'a' : 'b');
  t.deepEqual(readdirSync(place), ['out']);
});

test('a file may have any name', async (t) => {
  const place = folder();
  const names = [
    ' a  b ',
    '-x',
    `q'"\``,
    'new\nline\n',
    'tab\t',
    '%b\\n\\0101',
    'ü €',
    '*',
    '$(touch evil)',
    '3:x',
  ];
  for (const name of names) await writeWholeFile(join(place, name), name, once);
  t.deepEqual(readdirSync(place).toSorted(), names.toSorted());
  for (const name of names) t.is(readFileSync(join(place, name), 'utf8'), name);
});

test('a path may be relative, and goes through links to folders as the system does', async (t) => {
  const place = folder();
  mkdirSync(join(place, 'a/b'), { recursive: true });
  symlinkSync(join(place, 'a/b'), join(place, 'link'));
  await writeWholeFile(relative(process.cwd(), join(place, 'plain')), 'here', once);
  await writeWholeFile(`${place}/link/../out`, 'there', once);
  t.deepEqual(readdirSync(place).toSorted(), ['a', 'link', 'plain']);
  t.deepEqual(readdirSync(join(place, 'a')).toSorted(), ['b', 'out']);
});

test('the outputs of a run appear together, or none if one of the names is taken', async (t) => {
  const place = folder();
  const publish = async (names: readonly string[], meanwhile = () => {}) => {
    await using outputs = makeOutputs();
    for (const name of names) await outputs.write(join(place, name), name);
    t.false(names.some((name) => readdirSync(place).includes(name)));
    meanwhile();
    await outputs.publish();
  };
  await publish(['one', 'two']);
  t.deepEqual(readdirSync(place).toSorted(), ['one', 'two']);
  const takeName = () => writeFileSync(join(place, 'four'), 'of another writer');
  const error = await t.throwsAsync(publish(['three', 'four', 'five'], takeName), { instanceOf: UserError });
  t.is(error?.reason, 'OutputExists');
  t.deepEqual(readdirSync(place).toSorted(), ['four', 'one', 'two']);
  t.is(readFileSync(join(place, 'four'), 'utf8'), 'of another writer');
});

test.serial('if the process that names files ends, the next file is still written', async (t) => {
  const place = folder();
  await writeWholeFile(join(place, 'before'), 'x', once);
  execFileSync('pkill', ['-KILL', '-P', String(process.pid), '-f', 'name-files']);
  for (const name of ['during', 'after']) await writeWholeFile(join(place, name), 'x', once);
  t.deepEqual(readdirSync(place).toSorted(), ['after', 'before', 'during']);
});

test('says that the folder is missing', (t) => fails(t, join(folder(), 'absent', 'out'), 'OutputUnwritable'));

test('says that a part of the path is a file', (t) => {
  const file = join(folder(), 'file');
  writeFileSync(file, '');
  return fails(t, join(file, 'out'), 'OutputUnwritable');
});

const asRoot = process.getuid?.() === 0 ? test.serial : test.skip;
asRoot('a full disk leaves no file behind', async (t) => {
  const place = folder();
  mkdirSync(join(place, 'small'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', join(place, 'small')]);
  try {
    const write = writeWholeFile(join(place, 'small', 'out'), new Uint8Array(1 << 20), once);
    t.is((await t.throwsAsync(write, { instanceOf: UserError }))?.reason, 'DiskFull');
    t.deepEqual(readdirSync(join(place, 'small')), []);
  } finally {
    execFileSync('umount', [join(place, 'small')]);
  }
});
