/** Only one process of a machine has a test cluster. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { holdName } from './held-name.ts';

const module = new URL('held-name.ts', import.meta.url).href;

test('a name is held by one process, until it is killed', async (t) => {
  const name = `test-${process.pid}`;
  const hold = `
    import { holdName } from ${JSON.stringify(module)};
    process.stdout.write(String(await holdName(${JSON.stringify(name)})));
    setInterval(() => {}, 1000);
  `;
  const other = execFile(process.execPath, ['--input-type=module', '--eval', hold]);
  const [answer] = (await once(other.stdout!, 'data')) as [string];
  t.is(answer, 'true');
  t.false(await holdName(name));
  other.kill('SIGKILL');
  await once(other, 'exit');
  t.true(await holdName(name));
});
