/** A manifest that another user wrote, or that does not match its files, is ignored. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findFinishedWork } from '../../src/adapters/worker/finished-work.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import type { Manifest } from '../../src/ground/contract/manifest.ts';
import { anEngineBuilt, anExported } from '../builders/objects.ts';
import { aTaskContext } from '../builders/task-context.ts';

const engine = 'an engine';
const stored = { sha256: sha256(engine), sizeBytes: engine.length };
const inputs = { etlt: 'a'.repeat(64), engineKey: 'e' };
const result = { ...anEngineBuilt(), engine: { file: 'model.engine', ...stored } };
const honest: Manifest = {
  formatVersion: 1,
  key: 'e',
  inputs,
  files: { 'model.engine': stored },
  result,
  notes: [],
};

const aFolder = (manifest: object | string) => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-finished-'));
  const at = (name: string) => join(root, 'exports/e', name);
  mkdirSync(at(''), { recursive: true });
  writeFileSync(at('model.engine'), engine);
  writeFileSync(at('manifest.json'), typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  const { store, signal } = aTaskContext(root);
  return {
    at,
    found: () => findFinishedWork(store, { kind: 'EngineBuilt', folder: 'pvc://exports/e', inputs, signal }),
  };
};

test('a folder whose files match the manifest is finished work', async (t) => {
  t.deepEqual(await aFolder(honest).found(), result);
});

const planted = test.macro({
  exec: async (t, manifest: object | string) => t.is(await aFolder(manifest).found(), undefined),
  title: (title) => `no finished work: ${title}`,
});
const forged = { ...result, engine: { ...result.engine, sha256: 'f'.repeat(64) } };
test('a digest that the file does not have', planted, {
  ...honest,
  files: { 'model.engine': { ...stored, sha256: 'f'.repeat(64) } },
  result: forged,
});
test('a result with another digest than its list of files', planted, { ...honest, result: forged });
test('a result that names a file outside of the list', planted, { ...honest, files: {} });
test('a file in another folder', planted, {
  ...honest,
  files: { '../../secret': stored },
  result: { ...result, engine: { file: '../../secret', ...stored } },
});
test('a URI in the result', planted, {
  ...honest,
  result: { ...result, engine: { uri: 'pvc://exports/EVIL/model.engine', ...stored } },
});
test('a failure as the result', planted, {
  ...honest,
  result: { kind: 'Failed', reason: 'Internal', message: 'm' },
});
test('an export whose report is not in the list', planted, {
  ...honest,
  result: {
    ...anExported({ report: { file: 'report.json' } }),
    etlt: { ...anExported().etlt, file: 'model.engine', ...stored },
  },
});
test('other inputs', planted, { ...honest, inputs: { ...inputs, etlt: 'b'.repeat(64) } });
test('another format', planted, { ...honest, formatVersion: 2 });
test('text that is not JSON', planted, 'done');
test('a JSON value that is not an object', planted, '5');
test('2 MB of spaces', planted, `${' '.repeat(2 ** 21)}{}`);

test('work with a missing or truncated file is not finished', async (t) => {
  const { at, found } = aFolder(honest);
  writeFileSync(at('model.engine'), 'an engin');
  t.is(await found(), undefined);
  rmSync(at('model.engine'));
  t.is(await found(), undefined);
});

test('a manifest that is a pipe does not block', async (t) => {
  const { at, found } = aFolder(honest);
  rmSync(at('manifest.json'));
  execFileSync('mkfifo', [at('manifest.json')]);
  t.is(await found(), undefined);
});
