import test from 'ava';
import { makeCheckPage, serve } from '../../src/cluster/runtime/probes.ts';

const page = makeCheckPage([
  { name: 'caches', holds: () => true },
  { name: 'watches', holds: () => false },
]);

for (const [bind, address] of [
  ['127.0.0.1:0', '127.0.0.1'],
  ['[::1]:0', '[::1]'],
  ['[::]:0', '[::1]'],
  [':0', '127.0.0.1'],
] as const)
  test(`a page bound to ${bind} is served at ${address}`, async (t) => {
    const served = await serve(bind, { '/readyz': page });
    t.teardown(() => served.close());
    const answer = await fetch(`http://${address}:${served.port}/readyz`);
    t.is(answer.status, 503);
    t.is(await answer.text(), '[+] caches\n[-] watches\n');
  });
