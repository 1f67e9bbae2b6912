/** `tlt-model triton-repository`: engines of one network for two GPUs, as Triton reads them. */
import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { failures } from '../../src/ground/base/failures.ts';
import { aFleet } from '../builders/fleet.ts';
import { runTool } from '../builders/tool.ts';
import { parseTriton } from '../deployment/owners.ts';

const make = (cwd: string, ...args: readonly string[]) =>
  runTool('tlt-model', ['triton-repository', '-o', 'detector', ...args], { cwd });

test('one model with an engine per compute capability, which every user can read', async (t) => {
  const cwd = await aFleet();
  const { code, stderr, stdout } = await make(cwd, 't4.deployment.json', 'a10.deployment.json');
  t.is(code, 0, stderr);
  t.is(stdout, 'detector: 1/7.5.engine, 1/8.6.engine\n');
  t.deepEqual(readdirSync(join(cwd, 'detector'), { recursive: true }).sort(), [
    '1',
    '1/7.5.engine',
    '1/8.6.engine',
    'config.pbtxt',
  ]);
  const copy = join(cwd, 'detector/1/8.6.engine');
  t.true(readFileSync(copy).equals(readFileSync(join(cwd, 'a10.engine'))));
  t.is(statSync(copy).mode & 0o777, 0o644);
  const config = await parseTriton(readFileSync(join(cwd, 'detector/config.pbtxt'), 'utf8'));
  t.deepEqual(config.cc_model_filenames, { '7.5': '7.5.engine', '8.6': '8.6.engine' });
  t.is(config.max_batch_size, 4);

  t.is((await make(cwd, 't4.deployment.json')).code, failures.OutputExists.exitCode);
});

test('what is not one model is refused, and nothing is left', async (t) => {
  const cwd = await aFleet();
  const before = readdirSync(cwd).sort();
  const twice = await make(cwd, 't4.deployment.json', 't4.deployment.json');
  t.is(twice.code, failures.Usage.exitCode);
  t.regex(twice.stderr, /two engines have the compute capability 7\.5/);
  const engine = await make(cwd, 't4.engine');
  t.regex(engine.stderr, /t4\.engine does not describe an engine; name the file t4\.deployment\.json/);
  t.is((await make(cwd, 'none.json')).code, failures.InputNotFound.exitCode);

  const description = JSON.parse(readFileSync(join(cwd, 'a10.deployment.json'), 'utf8'));
  description.network.input.width = 64;
  writeFileSync(join(cwd, 'other.json'), JSON.stringify(description));
  t.regex((await make(cwd, 't4.deployment.json', 'other.json')).stderr, /of different networks/);
  description.engine.file = '../a10.engine';
  writeFileSync(join(cwd, 'other.json'), JSON.stringify(description));
  t.regex((await make(cwd, 'other.json')).stderr, /does not describe an engine/, 'a path out of the folder');

  appendFileSync(join(cwd, 't4.engine'), ' ');
  const damaged = await make(cwd, 't4.deployment.json', 'a10.deployment.json');
  t.is(damaged.code, failures.DigestMismatch.exitCode);
  t.deepEqual(readdirSync(cwd).sort(), [...before, 'other.json'].sort());
});
