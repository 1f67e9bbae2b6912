/** The tools name the Node.js version that they need instead of failing on a missing export. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import test from 'ava';
import { explainOldNode, minNodeMajor } from '../../src/node-version.ts';

const root = join(import.meta.dirname, '..', '..');
const tools = ['tlt-converter', 'tlt-export', 'tlt-int8-tensorfile', 'tlt-model', 'kubectl-modelexport'];

test('the minimum version is that of package.json', (t) => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  t.is(engines.node, `>=${minNodeMajor}`);
});

test('versions below the minimum are refused, and the current one is accepted', (t) => {
  t.regex(explainOldNode('v20.20.2') ?? '', /Node\.js 24 or later is required, and this is v20\.20\.2/);
  t.regex(explainOldNode('v8.0.0') ?? '', /24 or later/);
  t.is(explainOldNode('v24.0.0'), undefined);
  t.is(explainOldNode('v100.1.0'), undefined);
  t.is(explainOldNode(process.version), undefined);
});

/** Replaces the version that the process reports, before the entry runs. */
const reportOldVersion = `data:text/javascript,Object.defineProperty(process, 'version', { value: 'v20.20.2' })`;

for (const tool of tools)
  test(`${tool} checks the version before it loads anything`, (t) => {
    const args = ['--import', reportOldVersion, join(root, 'src', `${tool}.ts`), '--help'];
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    t.is(status, 1);
    t.is(stdout, '');
    t.regex(stderr, new RegExp(`^${tool}: Node\\.js 24 or later is required, and this is v20\\.20\\.2\\.`));
  });

/** Other versions of Node.js on this machine, outside node_modules. */
const olderNodes = ['/usr/local/bin/node', '/usr/bin/node']
  .filter(existsSync)
  .filter((path) => explainOldNode(execFileSync(path, ['--version'], { encoding: 'utf8' })) !== undefined);

for (const node of olderNodes)
  test(`${node} can run the check as it is compiled`, (t) => {
    const compiled = stripTypeScriptTypes(readFileSync(join(root, 'src', 'node-version.ts'), 'utf8'));
    const script = `${compiled}\ncheckNode('tlt-export');`;
    const { status, stderr } = spawnSync(node, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    t.is(status, 1);
    t.regex(stderr, /^tlt-export: Node\.js 24 or later is required/);
  });
