/** What a build of an image states about itself, and how two builds are compared. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { compareArchives } from './layers.ts';
import { makeProvenance } from './provenance.ts';

test('two layers are compared file by file: mode, time, content, and what only one has', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-compare-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const pack = (name: string, files: Readonly<Record<string, string>>, mtime: string) => {
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
    const path = join(folder, `${name}.tar`);
    const flags = ['--create', '--sort=name', '--owner=0', '--group=0', `--mtime=@${mtime}`, '--file', path];
    execFileSync('tar', [...flags, '--directory', folder, ...Object.keys(files)]);
    return path;
  };
  const first = pack('first', { a: 'one', b: 'same' }, '0');
  t.deepEqual(await compareArchives(first, pack('again', { a: 'one', b: 'same' }, '0')), []);
  chmodSync(join(folder, 'b'), 0o600);
  const second = pack('second', { a: 'two', b: 'same', c: '' }, '7');
  const differences = await compareArchives(first, second);
  t.deepEqual(
    differences.map((line) => line.replace(/[0-9a-f]{64}/g, '…')),
    [
      'c: only in the second',
      'a: mtime 0, then 7',
      'a: sha256 …, then …',
      `b: mode ${0o644}, then ${0o600}`,
      'b: mtime 0, then 7',
    ],
  );
});

test('the provenance names image, commit, bases and pins in the form of in-toto and SLSA', (t) => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
  const statement = makeProvenance({
    name: 'operator.tar',
    digest: `sha256:${a}`,
    target: 'operator',
    bases: { BASE: `gcr.io/distroless/cc-debian12@sha256:${b}` },
    epoch: 1_700_000_000,
    commit: 'c0ffee',
    pins: { 'package-lock.json': b },
    buildah: '1.28.2',
  });
  t.like(statement, {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'operator.tar', digest: { sha256: a } }],
    predicateType: 'https://slsa.dev/provenance/v1',
  });
  const { predicate } = statement as { readonly predicate: Readonly<Record<string, object>> };
  t.deepEqual(predicate.buildDefinition, {
    buildType: 'https://export.tlt.dev/build/dockerfile/v1',
    externalParameters: {
      target: 'operator',
      buildArguments: { BASE: `gcr.io/distroless/cc-debian12@sha256:${b}` },
      sourceDateEpoch: 1_700_000_000,
    },
    resolvedDependencies: [
      { name: 'source', digest: { gitCommit: 'c0ffee' } },
      { uri: 'pkg:docker/gcr.io/distroless/cc-debian12', digest: { sha256: b } },
      { name: 'package-lock.json', digest: { sha256: b } },
    ],
  });
});
