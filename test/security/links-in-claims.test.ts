/** Users can put symbolic links into a claim. None of them may lead a pod to another claim or to the mounted key. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import sharp from 'sharp';
import { makePvcStore } from '../../src/adapters/storage/pvc.ts';
import { fetchSource } from '../../src/adapters/worker/task-source.ts';
import { openLoader } from '../../src/data/datasets/loader.ts';
import type { LoaderPlan } from '../../src/data/datasets/plan.ts';
import { detectnetValues } from '../../src/data/preprocessing/values.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import type { ExportTask } from '../../src/ground/contract/task.ts';
import { collect } from '../builders/collected.ts';
import { aTaskContext } from '../builders/task-context.ts';

const { signal } = new AbortController();

/** A folder with two claims. The first has links to the second, and to a file outside both. */
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

const assertRefused = async (
  t: ExecutionContext,
  work: Promise<unknown>,
  reason: FailureReason,
): Promise<void> => {
  const error = await t.throwsAsync(work, { instanceOf: UserError, message: /leads out of the claim/ });
  t.is(error.reason, reason);
};

test('a link to a file outside the claim is neither fetched nor read', async (t) => {
  const store = makePvcStore(join(aRoot(), 'claims'));
  await assertRefused(t, store.fetch('pvc://one/key', signal), 'InputNotFound');
  await assertRefused(t, store.read('pvc://one/key', 'fileBytes', signal), 'InputNotFound');
});

test('nothing is written through a link into another claim, and no folder is created there', async (t) => {
  const root = aRoot();
  const store = makePvcStore(join(root, 'claims'));
  await assertRefused(t, store.put('pvc://one/other/a/b/file', Buffer.from('x'), signal), 'OutputUnwritable');
  await assertRefused(t, store.create('pvc://one/other/file', Buffer.from('x'), signal), 'OutputUnwritable');
  await using staging = store.stage('pvc://one/other', signal);
  const write = async (path: string): Promise<void> => writeFileSync(path, 'x');
  await assertRefused(t, staging.make('file', write), 'OutputUnwritable');
  await assertRefused(t, store.list('pvc://one/other', signal), 'InputNotFound');
  t.deepEqual(readdirSync(join(root, 'claims/two')), []);
});

test('a link inside the claim is followed, and an output replaces a link with the same name', async (t) => {
  const root = aRoot();
  const store = makePvcStore(join(root, 'claims'));
  t.is(await store.fetch('pvc://one/within/file', signal), join(root, 'claims/one/inner/file'));
  await store.put('pvc://one/key', Buffer.from('an artifact'), signal);
  t.is(Buffer.from((await store.read('pvc://one/key', 'fileBytes', signal))!).toString(), 'an artifact');
  t.true(existsSync(join(root, 'secret/key')));
});

test('images and records of a pod are read only from the claim of their data, through links too', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-data-'));
  for (const folder of ['claim/train/a', 'private']) mkdirSync(join(root, folder), { recursive: true });
  const file = join(root, 'private', 'secret.png');
  await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
    .png()
    .toFile(file);
  symlinkSync(file, join(root, 'claim/train/a/1.png'));
  const plan: LoaderPlan = {
    kind: 'classFolders',
    training: 'train',
    size: { channels: 3, height: 4, width: 4 },
    batchSize: 1,
    geometry: { kind: 'padCrop', left: 0, top: 0 },
    values: detectnetValues(3),
  };
  const read = async (confined: LoaderPlan): Promise<number> => {
    const dataRoot = join(root, 'claim');
    const { batches } = await openLoader(confined, { seed: 1, set: 'training', batches: 1, dataRoot });
    return (await collect(batches)).length;
  };
  t.is(await read(plan), 1, 'the command line follows links in a data set');
  const error = await t.throwsAsync(read({ ...plan, within: join(root, 'claim') }), {
    instanceOf: UserError,
  });
  t.is(error.reason, 'InputNotFound');
  t.regex(error.message, /outside the claim/);
});

test('a pod refuses an image folder with a link that leads out of the claim', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-images-'));
  mkdirSync(join(root, 'claims/models/photos'), { recursive: true });
  writeFileSync(join(root, 'key'), 'a key');
  symlinkSync(join(root, 'key'), join(root, 'claims/models/photos/1.jpg'));
  const task = {
    calibration: { imageDirectory: { uri: 'pvc://models/photos' } },
  } as unknown as ExportTask;
  const fetching = fetchSource(task, undefined, aTaskContext(join(root, 'claims')));
  await t.throwsAsync(fetching, { instanceOf: UserError, message: /outside the claim/ });
});
