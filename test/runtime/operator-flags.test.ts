/** Flags that the operator rejects before it sends any request. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';

const operator = join(import.meta.dirname, '..', '..', 'src', 'operator.ts');

for (const workers of ['x', '0', '1.5', '-2', '1000', ''])
  test(`--workers=${workers} is rejected with a pointer to the usage, and nothing starts`, (t) => {
    const { status, stderr } = spawnSync(process.execPath, [operator, `--workers=${workers}`], {
      encoding: 'utf8',
      env: { ...process.env, KUBECONFIG: '/nonexistent' },
    });
    t.is(status, 2);
    t.regex(stderr, /--workers is '.*', and must be a whole number from 1 to 64\./);
    t.regex(stderr, /See operator --help\./);
  });

test('an invalid --namespace is rejected before any request', (t) => {
  const { status, stderr } = spawnSync(process.execPath, [operator, '--namespace=vision,Radar'], {
    encoding: 'utf8',
    env: { ...process.env, KUBECONFIG: '/nonexistent' },
  });
  t.is(status, 2);
  t.regex(stderr, /'Radar' is not the name of a namespace/);
});
