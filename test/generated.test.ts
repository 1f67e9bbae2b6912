/** Generated files equal their sources, and the check that says so can fail. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '..');

const check = (folder: string) =>
  spawnSync(process.execPath, [join(folder, 'src/generate.ts'), '--check'], { encoding: 'utf8' });

test('crds/, deploy/, helm/ and docs/reference/ are what their sources say', (t) => {
  const { status, stderr } = check(root);
  t.is(stderr, '');
  t.is(status, 0);
});

test('manifests say the same by YAML 1.1, which kubectl and Helm read, and by YAML 1.2', (t) => {
  const files = globSync('{crds,deploy}/**/*.yaml', { cwd: root });
  t.true(files.length > 20);
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    const [older, newer] = (['1.1', '1.2'] as const).map((version) =>
      parseAllDocuments(text, { version }).map((document) => document.toJS()),
    );
    t.deepEqual(older, newer, file);
  }
});

test('an edited generated file is named, and generating fixes it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-generated-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of [
    'package.json',
    'package-lock.json',
    'requirements',
    'src',
    'crds',
    'deploy',
    'docs',
    'helm',
  ])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  appendFileSync(join(folder, 'deploy/cluster/rbac.yaml'), '# edited by hand\n');
  rmSync(join(folder, 'docs/reference/modelexport.md'));
  const { status, stderr } = check(folder);
  t.is(status, 1);
  t.deepEqual(
    stderr
      .split('\n')
      .filter((line) => line.startsWith('  '))
      .map((line) => line.trim()),
    ['deploy/cluster/rbac.yaml', 'docs/reference/modelexport.md'],
  );
  execFileSync(process.execPath, [join(folder, 'src/generate.ts')]);
  t.is(check(folder).status, 0);
});
