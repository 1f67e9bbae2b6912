/** The audit policy: npm's own report for our lock file, from a registry of this test, and what the real registry says today. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { buffer, text } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { judgeAudit, tolerated } from './audit-policy.ts';

const audit = join(import.meta.dirname, 'audit.ts');

const runAudit = async (env: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [audit], { env: { ...process.env, ...env } });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return { code, output };
};

type Advisories = Readonly<Record<string, readonly object[]>>;

const advisory = (id: string, severity: string) => ({
  id: 1,
  url: `https://github.com/advisories/${id}`,
  title: 'Denial of service',
  severity,
  vulnerable_versions: '<99',
  cwe: [],
  cvss: { score: 0, vectorString: null },
});

/** Answers as the registry of npm does; `asked` are the packages that npm asks about. */
const startRegistry = async (advisories: Advisories) => {
  const asked = new Set<string>();
  const answer = async (request: IncomingMessage): Promise<object> => {
    if (request.method !== 'POST') return { name: request.url!.slice(1), versions: {}, 'dist-tags': {} };
    const names = Object.keys(JSON.parse(gunzipSync(await buffer(request)).toString()));
    for (const name of names) asked.add(name);
    return Object.fromEntries(Object.entries(advisories).filter(([name]) => names.includes(name)));
  };
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(await answer(request)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { asked, server, env: { npm_config_registry: `http://127.0.0.1:${port}/` } };
};

test('an advisory of severity high about a production package is refused; moderate ones and development packages are not', async (t) => {
  const { asked, server, env } = await startRegistry({
    yaml: [advisory('GHSA-aaaa-bbbb-cccc', 'high')],
    winston: [advisory('GHSA-dddd-eeee-ffff', 'moderate')],
    ava: [advisory('GHSA-gggg-hhhh-iiii', 'critical')],
  });
  t.teardown(() => server.close());
  const { code, output } = await runAudit(env);
  t.is(code, 1, output);
  t.regex(output, /^yaml <99: high: Denial of service \(https:\S+GHSA-aaaa-bbbb-cccc\)\. Update the package/);
  t.is(output.trim().split('\n').length, 1);
  t.true(asked.has('sharp'));
  t.false(asked.has('ava'));
});

test('a registry without advisories about us is accepted', async (t) => {
  const { server, env } = await startRegistry({});
  t.teardown(() => server.close());
  t.deepEqual(await runAudit(env), {
    code: 0,
    output: 'No production package has an advisory of severity high or critical that is not tolerated.\n',
  });
});

test('a registry that cannot be reached is no success: nothing was checked', async (t) => {
  const { code, output } = await runAudit({ npm_config_registry: 'http://127.0.0.1:1/' });
  t.is(code, 2, output);
  t.regex(output, /^NOT CHECKED: the registry gave no answer about advisories \(.*ECONNREFUSED/);
});

test('no advisory of today stops the build, if the registry answers', async (t) => {
  const { code, output } = await runAudit();
  t.log(output.trim());
  t.true(code === 0 || code === 2, output);
});

const report = {
  auditReportVersion: 2,
  vulnerabilities: {
    a: { via: [{ name: 'a', title: 'X', url: 'https://x/GHSA-1', severity: 'critical', range: '<2' }] },
    b: { via: ['a'] },
  },
};

test('an advisory is tolerated up to and including its day', (t) => {
  const entries = [{ id: 'GHSA-1', reason: 'not reachable', until: '2026-03-31' }];
  t.is(judgeAudit(report, '2026-03-31', entries).kind, 'accepted');
  const { kind, lines } = judgeAudit(report, '2026-04-01', entries);
  t.is(kind, 'refused');
  t.regex(lines[0]!, /tolerated until 2026-03-31: update the package, or look again/);
});

test('an entry that nothing needs any more is named', (t) => {
  const entries = [{ id: 'GHSA-2', reason: 'gone', until: '2026-03-31' }];
  t.regex(judgeAudit(report, '2026-03-01', entries).lines[1]!, /^GHSA-2 is tolerated, but no package has it/);
});

test('every tolerated advisory has a reason and a day at most a quarter ahead', (t) => {
  const quarter = new Date(Date.now() + 93 * 24 * 3600_000).toISOString().slice(0, 10);
  t.deepEqual(
    tolerated.filter(({ id, reason, until }) => !/^GHSA-/.test(id) || reason.length < 20 || until > quarter),
    [],
  );
});
