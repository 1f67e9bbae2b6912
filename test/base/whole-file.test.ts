import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { writeWholeFile } from '../../src/ground/base/whole-file.ts';

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
