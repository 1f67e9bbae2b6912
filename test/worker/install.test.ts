/** The worker is copied to a volume for the user's image. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { installWorker } from '../../src/adapters/worker/install.ts';

const aFolder = () => mkdtempSync(join(tmpdir(), 'tlt-install-'));

test('node and the app run from the target, symbolic links included', async (t) => {
  const [app, target] = [aFolder(), aFolder()];
  mkdirSync(join(app, 'dist'));
  mkdirSync(join(app, 'node_modules'));
  writeFileSync(join(app, 'package.json'), '{"type":"module"}');
  writeFileSync(join(app, 'dist', 'worker.js'), 'console.log(process.execPath, import.meta.dirname)');
  symlinkSync('../dist/worker.js', join(app, 'node_modules', 'worker'));
  await installWorker({ node: process.execPath, app, target });
  const node = join(target, 'node');
  const said = execFileSync(node, [join(target, 'app/dist/worker.js')], { encoding: 'utf8' });
  t.is(said.trim(), `${node} ${join(target, 'app/dist')}`);
  t.is(readlinkSync(join(target, 'app/node_modules/worker')), '../dist/worker.js');
});

test('a target that cannot be written is reported', async (t) => {
  const file = join(aFolder(), 'file');
  writeFileSync(file, '');
  const installation = { node: process.execPath, app: aFolder(), target: join(file, 'x') };
  t.like(await t.throwsAsync(installWorker(installation)), { reason: 'OutputUnwritable' });
});
