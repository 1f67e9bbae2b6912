/**
 * The `build` container may run an untrusted image. Each attack puts something other than an engine where `publish`
 * looks for it, or writes to a place that must be protected.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { publish } from '../../src/adapters/worker/publish.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { toArtifact } from '../../src/ground/contract/artifact.ts';
import { parseManifest } from '../../src/ground/contract/manifest.ts';
import type { EngineTask } from '../../src/ground/contract/task.ts';
import { anEngineBuilt } from '../builders/objects.ts';
import { aTaskContext } from '../builders/task-context.ts';

const task: EngineTask = {
  deviceClass: 'cpu',
  backend: 'OnnxRuntime',
  dataType: 'fp32',
  maxBatchSize: 1,
  maxWorkspaceSizeBytes: 2 ** 20,
  etlt: { uri: 'pvc://exports/out/k/model.etlt', sha256: 'a'.repeat(64) },
  settings: {},
  image: 'builder',
  engineKey: 'e',
  folder: 'pvc://exports/out/k/engines/cpu/e',
};

const secret = 'of another tenant';

const aPod = () => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-handed-'));
  const at = (...names: string[]) => join(root, ...names);
  for (const folder of ['exports', 'work', 'built']) mkdirSync(at(folder));
  writeFileSync(at('exports', 'secret'), secret);
  writeFileSync(at('built', 'build-report.json'), JSON.stringify({ runtime: { name: 'r', version: '1' } }));
  const context = { ...aTaskContext(root), work: at('work'), built: at('built') };
  const engine = at('built', 'model.onnx');
  const stored = (name: string) => at('exports/out/k/engines/cpu/e', name);
  return { at, engine, stored, run: () => publish(task, context) };
};

type Pod = ReturnType<typeof aPod>;

test('a regular file is stored, and publish hashes it', async (t) => {
  const { engine, run, stored } = aPod();
  writeFileSync(engine, 'an engine');
  const result = await run();
  t.is(result.engine.sha256, sha256('an engine'));
  t.is(readFileSync(stored('model.onnx'), 'utf8'), 'an engine');
  t.deepEqual(parseManifest(readFileSync(stored('manifest.json'), 'utf8'))?.result, result);
});

const refused = test.macro({
  exec: async (t, attack: (pod: Pod) => void, says: RegExp) => {
    const pod = aPod();
    attack(pod);
    const error = await t.throwsAsync<UserError>(pod.run, { instanceOf: UserError });
    t.is(error.reason, 'EngineBuildFailed');
    t.regex(error.message, says);
    t.false(existsSync(pod.stored('model.onnx')));
    t.false(existsSync(pod.stored('manifest.json')), 'no manifest is written');
  },
  title: (title) => `refused: ${title}`,
});
test(
  'a symbolic link to a file of the output claim',
  refused,
  ({ at, engine }) => symlinkSync(at('exports/secret'), engine),
  /not a regular file/,
);
test(
  'a symbolic link to the environment of the process',
  refused,
  ({ engine }) => symlinkSync('/proc/self/environ', engine),
  /not a regular file/,
);
test(
  'a symbolic link to an endless device',
  refused,
  ({ engine }) => symlinkSync('/dev/zero', engine),
  /not a regular file/,
);
test(
  'a pipe without a writer',
  refused,
  ({ engine }) => void execFileSync('mkfifo', [engine]),
  /not a regular file/,
);
test('a folder', refused, ({ engine }) => mkdirSync(engine), /not a regular file/);
test(
  'a sparse file larger than any engine',
  refused,
  ({ engine }) => {
    writeFileSync(engine, '');
    truncateSync(engine, 2 ** 40);
  },
  /has 1099511627776 bytes, more than 17179869184/,
);
test('an empty file', refused, ({ engine }) => writeFileSync(engine, ''), /wrote no engine/);
test('no file', refused, () => undefined, /wrote no engine/);

const report =
  (content: string) =>
  ({ at, engine }: Pod) => {
    writeFileSync(engine, 'an engine');
    writeFileSync(at('built', 'build-report.json'), content);
  };
test(
  'a runtime name of 3 KB',
  refused,
  report(JSON.stringify({ runtime: { name: 'n'.repeat(3000), version: '1' } })),
  /runtime\.name is longer than 64/,
);
test('a report without a runtime', refused, report('{}'), /runtime is no object/);
test('a report that is not JSON', refused, report('done'), /runtime is no object/);
test('a report that is not an object', refused, report('5'), /runtime is no object/);
test(
  'an agreement that is not a number',
  refused,
  report(
    JSON.stringify({ runtime: { name: 'r', version: '1' }, agreement: { images: 1, sqnrDb: 'very good' } }),
  ),
  /agreement\.sqnrDb does not match/,
);
test(
  'a report that is a symbolic link',
  refused,
  ({ at, engine }) => {
    writeFileSync(engine, 'an engine');
    execFileSync('rm', [at('built/build-report.json')]);
    symlinkSync(at('exports/secret'), at('built/build-report.json'));
  },
  /not a regular file/,
);

test('other files of build have no effect', async (t) => {
  const { at, engine, run, stored } = aPod();
  writeFileSync(engine, 'an engine');
  const other = { model: 'x', engine: at('exports/secret'), report: at('exports/secret') };
  writeFileSync(at('built', 'build-request.json'), JSON.stringify(other));
  const forged = toArtifact('pvc://exports/EVIL', { ...anEngineBuilt().engine, sha256: 'f'.repeat(64) });
  writeFileSync(at('built', 'finished.json'), JSON.stringify({ ...anEngineBuilt(), engine: forged }));
  linkSync(engine, at('built', 'manifest.json'));
  const result = await run();
  t.is(result.engine.sha256, sha256('an engine'));
  t.false(result.reused);
  t.is(readFileSync(stored('model.onnx'), 'utf8'), 'an engine');
});
