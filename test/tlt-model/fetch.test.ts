/** `tlt-model fetch` on folders that the worker's own store wrote. */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { sha256 } from '../../src/ground/base/digest.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { storeEngine, storeExport } from '../builders/claim.ts';
import { credentialsFolder } from '../builders/s3-store.ts';
import { runProcess, runTool, type ToolRun } from '../builders/tool.ts';
import { startS3Proxy } from '../storage/s3-proxy.ts';
import { rootUser, startS3Server } from '../storage/s3-server.ts';

/** A claim with one export, its report, and engines of two classes. */
const aClaim = async () => {
  const root = mkdtempSync(join(tmpdir(), 'tlt-fetch-'));
  mkdirSync(join(root, 'copies'));
  await storeExport(root, 'out/key');
  const copies = join(root, 'copies');
  return {
    root,
    folder: join(root, 'models/out/key'),
    copies: () => readdirSync(copies).sort(),
    read: (name: string) => readFileSync(join(copies, name), 'utf8'),
    fetch: (...args: readonly string[]): Promise<ToolRun> =>
      runTool('tlt-model', ['fetch', ...args], { cwd: copies }),
  };
};

test('the engine of a class is copied, and a repeated copy changes nothing', async (t) => {
  const { folder, fetch, read, root } = await aClaim();
  const first = await fetch(folder, '--class', 'ampere', '-o', 'model.plan');
  t.is(first.code, 0, first.stderr);
  t.is(first.stdout, `model.plan: 10 bytes, sha256 ${sha256('for ampere')}\n`);
  t.is(read('model.plan'), 'for ampere');
  const { ino, mode } = statSync(join(root, 'copies/model.plan'));
  t.is(mode & 0o044, 0o044, 'a server with another user id must be able to read it');
  t.is((await fetch(folder, '--class', 'ampere', '-o', 'model.plan')).code, 0);
  t.is(statSync(join(root, 'copies/model.plan')).ino, ino);
});

test('a folder keeps the stored names; what is chosen by name, or all', async (t) => {
  const { folder, fetch, copies, read } = await aClaim();
  t.is((await fetch(folder, '-o', './')).code, 0);
  t.deepEqual(copies(), ['model.etlt']);
  t.is((await fetch(folder, '--what', 'report', '-o', 'r.html')).code, 0);
  t.is(read('r.html'), '<p>');
  t.is((await fetch(folder, '--what', 'all', '-o', '.')).code, 0);
  t.deepEqual(copies(), ['model.etlt', 'r.html', 'report.html', 'report.json']);
  t.is((await fetch(join(folder, 'engines/turing/e2'), '-o', 'e')).code, 0);
  t.is(read('e'), 'for turing');
  t.is((await fetch(join(folder, 'model.etlt'), '-o', 'one.etlt')).code, 0);
  t.is(read('one.etlt'), 'sealed');
});

test('of several engines of a class, the digest chooses', async (t) => {
  const { root, folder, fetch, read, copies } = await aClaim();
  await storeEngine(root, 'newer', { folder: 'out/key/engines/ampere/e3' });
  const several = await fetch(folder, '--class', 'ampere', '-o', 'e');
  t.is(several.code, failures.Usage.exitCode);
  t.regex(
    several.stderr,
    /2 files fit: .*e1\/model\.engine \(sha256:[0-9a-f]{64}\), .*e3.*Choose one by --digest/,
  );
  t.deepEqual(copies(), []);
  const digest = `sha256:${sha256('newer')}`;
  t.is((await fetch(folder, '--class', 'ampere', '--digest', digest, '-o', 'e')).code, 0);
  t.is(read('e'), 'newer');
  const absent = await fetch(folder, '--class', 'ampere', '--digest', `sha256:${sha256('x')}`, '-o', 'f');
  t.is(absent.code, failures.InputNotFound.exitCode);
});

test('a damaged file leaves no copy, and another file of that name is not overwritten', async (t) => {
  const { folder, fetch, copies, read } = await aClaim();
  const engine = join(folder, 'engines/ampere/e1/model.engine');
  writeFileSync(engine, 'for Ampere');
  const damaged = await fetch(folder, '--class', 'ampere', '-o', 'e');
  t.is(damaged.code, failures.DigestMismatch.exitCode);
  t.regex(damaged.stderr, new RegExp(`sha256 is ${sha256('for Ampere')} in 10 bytes, but`));
  const pinned = await fetch(engine, '--digest', `sha256:${sha256('for ampere')}`, '-o', 'e');
  t.is(pinned.code, failures.DigestMismatch.exitCode);
  t.deepEqual(copies(), []);
  t.is((await fetch(engine, '--digest', `sha256:${sha256('for Ampere')}`, '-o', 'e')).code, 0);
  const other = await fetch(folder, '-o', 'e');
  t.is(other.code, failures.OutputExists.exitCode);
  t.is(read('e'), 'for Ampere');
});

test('an artifact in object storage is fetched through a cut connection, complete or not at all', async (t) => {
  const { root, copies, read, fetch } = await aClaim();
  const server = await startS3Server({ buckets: ['exports'] });
  t.teardown(server.stop);
  const proxy = await startS3Proxy(server.url);
  t.teardown(proxy.close);
  const content = randomBytes(3_000_000).toString('hex');
  await storeEngine(root, content, { folder: 'out/large' });
  cpSync(join(root, 'models/out'), server.at('exports/out'), { recursive: true });
  const { accessKeyId, secretAccessKey } = rootUser;
  const flags = ['--s3_endpoint', proxy.url, '--s3_credentials', credentialsFolder()];
  const get = (...args: readonly string[]) => fetch(...args, ...flags);
  proxy.fault = ({ method, path, range }) =>
    method === 'GET' && path.startsWith('/exports/out/large/model.engine') && range === undefined
      ? { cutAt: 1_000_000 }
      : 'pass';
  t.like(await get('s3://exports/out/large', '-o', 'e'), { code: 0, stderr: '' });
  t.is(read('e'), content);
  const engine = await get('s3://exports/out/key', '--class', 'ampere', '-o', 'ampere.plan');
  t.is(engine.stdout, `ampere.plan: 10 bytes, sha256 ${sha256('for ampere')}\n`);
  t.is((await get('s3://exports/out/key/model.etlt', '-o', 'one.etlt')).code, 0);
  t.is(read('one.etlt'), 'sealed');
  const before = copies();
  writeFileSync(server.at('exports/out/key/model.etlt'), 'Sealed');
  const damaged = await get('s3://exports/out/key', '--what', 'all', '-o', './');
  t.is(damaged.code, failures.DigestMismatch.exitCode, damaged.stderr);
  t.deepEqual(copies(), before);
  const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  const byEnvironment = await runProcess(
    'tlt-model',
    ['fetch', 's3://exports/out/key', '--class', 'turing', '-o', 'turing.plan', '--s3_endpoint', proxy.url],
    { cwd: join(root, 'copies'), env },
  );
  t.is(byEnvironment.code, 0, byEnvironment.stderr);
  t.is(read('turing.plan'), 'for turing');
  const wrong = credentialsFolder({ accessKeyId, secretAccessKey: 'hidden' });
  const getAs = (credentials: string) =>
    fetch('s3://exports/out/key', '-o', 'f', ...flags.slice(0, 3), credentials);
  const refused = await getAs(wrong);
  t.is(refused.code, failures.StorageDenied.exitCode);
  t.regex(refused.stderr, /Listing s3:.*secret access key is wrong/);
  t.regex((await getAs(root)).stderr, /--s3_credentials lacks AWS_ACCESS_KEY_ID/);
  const absent = await get('s3://exports/none', '-o', 'f');
  t.is(absent.code, failures.InputNotFound.exitCode);
  t.regex(absent.stderr, /no manifest in it lists an artifact/);
});

test('a request that names nothing is refused with the remedy', async (t) => {
  const { folder, fetch } = await aClaim();
  const refusals: readonly [readonly string[], keyof typeof failures, RegExp][] = [
    [
      [folder, '--class', 'volta', '-o', 'e'],
      'InputNotFound',
      /no manifest in it lists an artifact of device class volta/,
    ],
    [[folder, '--what', 'cache', '-o', 'e'], 'InputNotFound', /lists 'cache'\. Name the folder/],
    [[join(folder, '..'), '-o', 'e'], 'InputNotFound', /check that its claim is mounted/],
    [[join(folder, 'manifest.json'), '-o', 'e'], 'Usage', /lists its digest\. Pass --digest/],
    [[join(folder, 'model.etlt'), '--what', 'etlt', '-o', 'e'], 'Usage', /--what needs a folder/],
    [[folder, '--what', 'all', '-o', 'e'], 'Usage', /3 files need a folder, but -o e is none/],
    [[folder, '--digest', 'abc', '-o', 'e'], 'Usage', /'abc' is not sha256: and 64/],
    [[folder, '-o', 'none/'], 'OutputUnwritable', /folder does not exist/],
  ];
  for (const [args, reason, says] of refusals) {
    const { code, stderr } = await fetch(...args);
    t.is(code, failures[reason].exitCode, stderr);
    t.regex(stderr, says);
  }
});

test('the init container of docs/serving.md fetches the engine', async (t) => {
  const { folder, fetch, read } = await aClaim();
  const page = readFileSync(join(import.meta.dirname, '../../docs/serving.md'), 'utf8');
  const manifest = parse(/```yaml\n([\s\S]*?)```/.exec(page)![1]!);
  const { command } = manifest.spec.template.spec.initContainers[0];
  const paths: Readonly<Record<string, string>> = {
    '/claim/exports/4be6d0c6bd2cb7a5': folder,
    '/engines/model.plan': 'model.plan',
  };
  const [tool, subcommand, ...args] = command.map((word: string) => paths[word] ?? word);
  t.deepEqual([tool, subcommand], ['tlt-model', 'fetch']);
  const { code, stderr } = await fetch(...args);
  t.is(code, 0, stderr);
  t.is(read('model.plan'), 'for ampere');
});
