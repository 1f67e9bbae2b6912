/** Concurrent and killed pods: each work gets one manifest, and files that a manifest lists never change. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { makePvcStore } from '../../src/adapters/storage/pvc.ts';
import { storeOnce } from '../../src/adapters/worker/store-once.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import type { EngineBuilt } from '../../src/ground/contract/result.ts';
import { anEngineBuilt } from '../builders/objects.ts';

const { signal } = new AbortController();

const aRoot = () => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-once-'));
  mkdirSync(join(root, 'exports/k'), { recursive: true });
  const folder = join(root, 'exports/k');
  return { root, folder, names: () => readdirSync(folder).sort() };
};

type Run = { readonly content: string; readonly input?: string; readonly meanwhile?: () => Promise<unknown> };

/** Stores an engine with this content and a second file, like a pod. */
const store = (root: string, { content, input = 'a', meanwhile }: Run): Promise<EngineBuilt> =>
  storeOnce<EngineBuilt>(makePvcStore(root), {
    identity: { kind: 'EngineBuilt', folder: 'pvc://exports/k', inputs: { etlt: input }, signal },
    files: ['model.engine', 'notes.txt'],
    make: async (staging, nameOf) => {
      const [file, other] = [nameOf('model.engine'), nameOf('notes.txt')];
      const write = (text: string) => async (path: string) => writeFileSync(path, text);
      const engine = await staging.make(file, write(content));
      const notes = await staging.make(other, write(`of ${content}`));
      await meanwhile?.();
      const result = { ...anEngineBuilt(), engine: { file, ...engine }, reused: false };
      return { key: 'k', files: { [file]: engine, [other]: notes }, result, notes: [] };
    },
  });

/** Checks that the files of every manifest exist with the listed digests. */
const manifestsIn = (folder: string): readonly Manifest[] =>
  readdirSync(folder)
    .filter((name) => name.startsWith('manifest'))
    .map((name) => {
      const manifest = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Manifest;
      for (const [file, stored] of Object.entries(manifest.files))
        if (sha256(readFileSync(join(folder, file))) !== stored.sha256)
          throw new Error(`${name} names another ${file}`);
      return manifest;
    });

test('of six concurrent pods one stores its files, and the others report its result and leave none', async (t) => {
  const { root, folder, names } = aRoot();
  const contents = ['1', '2', '3', '4', '5', '6'];
  const results = await Promise.all(contents.map((content) => store(root, { content })));
  t.is(results.filter(({ reused }) => !reused).length, 1);
  t.is(new Set(results.map(({ engine }) => JSON.stringify(engine))).size, 1);
  t.is(manifestsIn(folder).length, 1);
  t.is(names().length, 3, names().join());
});

test('a pod that is overtaken while it stores reports the result of the other pod', async (t) => {
  const { root, folder, names } = aRoot();
  let fast: EngineBuilt | undefined;
  const slow = await store(root, {
    content: 'slow',
    meanwhile: async () => {
      fast ??= await store(root, { content: 'fast' });
    },
  });
  t.deepEqual(slow, { ...fast!, reused: true });
  t.is(readFileSync(join(folder, 'model.engine'), 'utf8'), 'fast');
  t.deepEqual(names(), ['manifest.json', 'model.engine', 'notes.txt']);
});

test('work with other inputs, or to replace damaged files, is stored next to the existing files', async (t) => {
  const { root, folder } = aRoot();
  await store(root, { content: 'one' });
  const other = await store(root, { content: 'two', input: 'b' });
  t.is(other.engine.file, 'model-2.engine');
  t.is(manifestsIn(folder).length, 2);
  t.like(await store(root, { content: 'x' }), { reused: true, engine: { sha256: sha256('one') } });
  rmSync(join(folder, 'model.engine'));
  const again = await store(root, { content: 'again' });
  t.like(again, { reused: false, engine: { file: 'model-3.engine' } });
  t.like(await store(root, { content: 'x' }), { reused: true, engine: again.engine });
  t.like(await store(root, { content: 'x', input: 'b' }), { reused: true, engine: other.engine });
});

const here = (path: string): string => JSON.stringify(join(import.meta.dirname, '../..', path));

/** A pod that kills itself before the n-th step: a file, the names, the manifest. */
const runAndKill = async (root: string, at: number): Promise<NodeJS.Signals | null> => {
  const program = `
    const { makePvcStore } = await import(${here('src/adapters/storage/pvc.ts')});
    const { storeOnce } = await import(${here('src/adapters/worker/store-once.ts')});
    const { writeFileSync } = await import('node:fs');
    const store = makePvcStore(${JSON.stringify(root)});
    let asked = 0;
    const step = (work) => async (...args) => {
      if (asked++ === ${at}) process.kill(process.pid, 'SIGKILL');
      return work(...args);
    };
    const stage = (...args) => {
      const staging = store.stage(...args);
      return { ...staging, make: step(staging.make), publish: step(staging.publish) };
    };
    const { signal } = new AbortController();
    await storeOnce({ ...store, stage, create: step(store.create) }, {
      identity: { kind: 'EngineBuilt', folder: 'pvc://exports/k', inputs: { etlt: 'a' }, signal },
      files: ['model.engine', 'notes.txt'],
      make: async (staging, nameOf) => {
        const files = {};
        for (const name of ['model.engine', 'notes.txt'])
          files[nameOf(name)] = await staging.make(nameOf(name), async (path) => writeFileSync(path, 'killed'));
        return { key: 'k', files, notes: [], result: { kind: 'EngineBuilt' } };
      },
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (_, signalled) => resolve(signalled)));
};

for (const [at, where] of ['the first file', 'the second file', 'the names', 'the manifest'].entries())
  test(`a pod that is killed before ${where} leaves no finished work, and the next pod does it`, async (t) => {
    const { root, folder } = aRoot();
    t.is(await runAndKill(root, at), 'SIGKILL');
    t.deepEqual(manifestsIn(folder), []);
    const result = await store(root, { content: 'whole' });
    t.false(result.reused);
    t.is(readFileSync(join(folder, result.engine.file), 'utf8'), 'whole');
    t.is(manifestsIn(folder).length, 1);
    t.like(await store(root, { content: 'x' }), { reused: true, engine: result.engine });
  });
