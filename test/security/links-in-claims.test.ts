/** A claim's writer can put links into it. None of them may lead a pod to another claim, or to the key that it mounts. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { makePvcStore } from '../../src/adapters/storage/pvc.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';

const { signal } = new AbortController();

/** Two claims, the first with links to the second and to a file outside of both. */
const aRoot = (): string => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-links-'));
  for (const folder of ['claims/one/inner', 'claims/two', 'secret'])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'secret/key'), 'my-very-secret-model-key');
  writeFileSync(join(root, 'claims/one/inner/file'), 'sound');
  symlinkSync(join(root, 'secret/key'), join(root, 'claims/one/key'));
  symlinkSync('../two', join(root, 'claims/one/other'));
  symlinkSync('inner', join(root, 'claims/one/within'));
  return root;
};

const refused = async (t: ExecutionContext, work: Promise<unknown>, reason: FailureReason): Promise<void> => {
  const error = await t.throwsAsync(work, { instanceOf: UserError, message: /leads out of the claim/ });
  t.is(error.reason, reason);
};

test('a link to a file outside the claim is neither fetched nor read', async (t) => {
  const store = makePvcStore(join(aRoot(), 'claims'));
  await refused(t, store.fetch('pvc://one/key', signal), 'InputNotFound');
  await refused(t, store.read('pvc://one/key', signal), 'InputNotFound');
});

test('nothing is written through a folder that is a link into another claim, and no folder is made there', async (t) => {
  const root = aRoot();
  const store = makePvcStore(join(root, 'claims'));
  await refused(t, store.put('pvc://one/other/a/b/file', Buffer.from('x'), signal), 'OutputUnwritable');
  const write = async (path: string): Promise<void> => writeFileSync(path, 'x');
  await refused(t, store.make('pvc://one/other/file', write, signal), 'OutputUnwritable');
  t.deepEqual(readdirSync(join(root, 'claims/two')), []);
});

test('a link inside the claim is followed, and an output replaces a link of its name', async (t) => {
  const root = aRoot();
  const store = makePvcStore(join(root, 'claims'));
  t.is(await store.fetch('pvc://one/within/file', signal), join(root, 'claims/one/inner/file'));
  await store.put('pvc://one/key', Buffer.from('an artifact'), signal);
  t.is(Buffer.from((await store.read('pvc://one/key', signal))!).toString(), 'an artifact');
  t.true(existsSync(join(root, 'secret/key')));
});
