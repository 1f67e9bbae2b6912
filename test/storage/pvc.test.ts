import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { makePvcStore } from '../../src/adapters/storage/pvc.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { run } from '../cluster/run.ts';

const signal = new AbortController().signal;
const aRoot = (): string => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-store-'));
  mkdirSync(join(root, 'claim'));
  return root;
};

test('a stored file is read back with its digest, and its folders are created', async (t) => {
  const root = aRoot();
  const store = makePvcStore(root);
  const stored = await store.put('pvc://claim/a/b/model.etlt', Buffer.from('whole'), signal);
  t.deepEqual(stored, { sha256: sha256('whole'), sizeBytes: 5 });
  t.is(
    Buffer.from((await store.read('pvc://claim/a/b/model.etlt', 'fileBytes', signal))!).toString(),
    'whole',
  );
  t.is(await store.fetch('pvc://claim/a/b/model.etlt', signal), join(root, 'claim/a/b/model.etlt'));
  t.deepEqual(readdirSync(join(root, 'claim/a/b')), ['model.etlt'], 'no temporary file is left');
});

test('for a missing file, read returns undefined and fetch fails', async (t) => {
  const store = makePvcStore(aRoot());
  t.is(await store.read('pvc://claim/absent', 'fileBytes', signal), undefined);
  const error = await t.throwsAsync(store.fetch('pvc://claim/absent', signal), { instanceOf: UserError });
  t.is(error.reason, 'InputNotFound');
  t.true(error.message.includes('pvc://claim/absent'));
});

for (const uri of [
  'pvc://claim/../other/file',
  'pvc://claim/a/../../b',
  's3://bucket/key',
  'pvc:///file',
  '/etc/passwd',
])
  test(`${uri} cannot leave the claim`, async (t) => {
    const error = await t.throwsAsync(makePvcStore(aRoot()).read(uri, 'fileBytes', signal), {
      instanceOf: UserError,
    });
    t.is(error.reason, 'InputNotFound');
  });

test('staged files appear together, and a failure leaves the folder unchanged', async (t) => {
  const root = aRoot();
  const store = makePvcStore(root);
  const folder = 'pvc://claim/a';
  const write = (text: string) => async (path: string) => writeFileSync(path, text);
  const inFolder = () => readdirSync(join(root, 'claim/a')).sort();
  {
    await using staging = store.stage(folder, signal);
    t.deepEqual(await staging.make('large', write('whole')), { sha256: sha256('whole'), sizeBytes: 5 });
    await staging.make('small', write('s'));
    t.deepEqual(inFolder(), []);
    await staging.publish();
    t.deepEqual(inFolder(), ['large', 'small']);
  }
  {
    await using staging = store.stage(folder, signal);
    await staging.make('other', write('o'));
    const fails = staging.make('third', async (path) => {
      await write('half')(path);
      throw new Error('no more');
    });
    await t.throwsAsync(fails, { message: 'no more' });
  }
  t.deepEqual(inFolder(), ['large', 'small'], 'no temporary file is left');
});

test('if two pods stage the same name, one gets it, and the other leaves no file', async (t) => {
  const root = aRoot();
  const folder = 'pvc://claim/a';
  const staged = async (text: string) => {
    const staging = makePvcStore(root).stage(folder, signal);
    await staging.make(`only-${text}`, async (path) => writeFileSync(path, text));
    await staging.make('shared', async (path) => writeFileSync(path, text));
    return staging;
  };
  await using first = await staged('first');
  await using second = await staged('second');
  await second.publish();
  const error = await t.throwsAsync(first.publish(), { instanceOf: UserError });
  t.is(error.reason, 'OutputExists');
  t.deepEqual(readdirSync(join(root, 'claim/a')).sort(), ['only-second', 'shared']);
  t.is(readFileSync(join(root, 'claim/a/shared'), 'utf8'), 'second');
});

test('of concurrent creates of one name exactly one succeeds', async (t) => {
  const root = aRoot();
  const tries = Array.from({ length: 8 }, (_, n) =>
    makePvcStore(root).create('pvc://claim/a/manifest.json', Buffer.from(`${n}`), signal),
  );
  const created = await Promise.all(tries);
  t.is(created.filter((won) => won).length, 1);
  t.is(readFileSync(join(root, 'claim/a/manifest.json'), 'utf8'), `${created.indexOf(true)}`);
  t.deepEqual(await makePvcStore(root).list('pvc://claim/a', signal), ['manifest.json']);
  t.deepEqual(await makePvcStore(root).list('pvc://claim/absent', signal), []);
});

test('a replaced file is completely the old one or the new one', async (t) => {
  const root = aRoot();
  const store = makePvcStore(root);
  await store.put('pvc://claim/file', Buffer.alloc(1_000_000, 'a'), signal);
  await store.put('pvc://claim/file', Buffer.alloc(2_000_000, 'b'), signal);
  t.is(readFileSync(join(root, 'claim/file')).length, 2_000_000);
});

test('a later write removes the partial file of a killed pod, which never had the final name', async (t) => {
  const root = aRoot();
  const writer = `
    const { makePvcStore } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/adapters/storage/pvc.ts'))});
    const store = makePvcStore(${JSON.stringify(root)});
    for (;;) await store.put('pvc://claim/big', Buffer.alloc(64_000_000, 'x'), new AbortController().signal);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', writer], { stdio: 'ignore' });
  while (!readdirSync(join(root, 'claim')).some((name) => name.endsWith('.partial')))
    await new Promise((resolve) => setTimeout(resolve, 2));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  const left = readdirSync(join(root, 'claim'));
  if (left.includes('big')) t.is(readFileSync(join(root, 'claim/big')).length, 64_000_000);
  const partial = '.big.0123456789ab.partial';
  writeFileSync(join(root, 'claim', partial), 'left by a killed pod');
  const anHourLater = () => Date.now() + 3_700_000;
  await makePvcStore(root, anHourLater).put('pvc://claim/big', Buffer.from('small'), signal);
  t.deepEqual(readdirSync(join(root, 'claim')), ['big']);
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('a full disk has its own reason, and no file is left', async (t) => {
  const root = aRoot();
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', join(root, 'claim')]);
  try {
    const error = await t.throwsAsync(
      makePvcStore(root).put('pvc://claim/file', Buffer.alloc(1_000_000), signal),
      { instanceOf: UserError },
    );
    t.is(error.reason, 'DiskFull');
    t.deepEqual(readdirSync(join(root, 'claim')), []);
  } finally {
    await run('umount', [join(root, 'claim')]);
  }
});

test('a file of an image volume is read below its digest, and a link out of the image is not followed', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-images-'));
  const digest = 'a'.repeat(64);
  mkdirSync(join(root, `_${digest}`));
  writeFileSync(join(root, `_${digest}`, 'm.onnx'), 'model');
  symlinkSync(tmpdir(), join(root, `_${digest}`, 'out'));
  const store = makePvcStore(root);
  const uri = (path: string) => `oci://registry.example.com/team/models@sha256:${digest}/${path}`;
  t.is(await store.fetch(uri('m.onnx'), signal), join(root, `_${digest}`, 'm.onnx'));
  await t.throwsAsync(store.fetch(uri('out/m.onnx'), signal), { message: /does not exist|leads out/ });
  await t.throwsAsync(store.fetch(uri('out'), signal), { message: /leads out of the claim/ });
  await t.throwsAsync(store.fetch(`oci://registry.example.com/team/models:v1/m.onnx`, signal), {
    message: /is not of the form pvc/,
  });
});
