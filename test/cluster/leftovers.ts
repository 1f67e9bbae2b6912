/** A cluster leaves nothing behind, however it ends: no process, mount, network, cgroup or file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { removeLeftovers } from './clean-up.ts';
import { run } from './run.ts';
import { claimedByParent, claimMachine } from './sole-cluster.ts';

/** Names of this test's folders; concurrent tests have their own. */
const ofCluster = /tlt-test-cluster-|\/run\/tlt-test/;

/** Everything of a cluster that is visible on this machine. */
const traces = async (): Promise<readonly string[]> => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const links = (await run('ip', ['-o', 'link'])).split('\n').filter((line) => line.includes('veth'));
  const addresses = (await run('ip', ['-o', 'address', 'show', 'dev', 'lo']))
    .split('\n')
    .filter((line) => line.includes('10.97.'));
  const namespaces = (await run('ip', ['netns', 'list']))
    .split('\n')
    .filter((line) => line.startsWith('cni-'));
  const processes = (await run('ps', ['-eo', 'args'])).split('\n').filter((line) => ofCluster.test(line));
  return [
    ...mounts.filter((line) => ofCluster.test(line)),
    ...links,
    ...addresses,
    ...namespaces,
    ...processes,
    ...readdirSync(tmpdir()).filter((name) => name.startsWith('tlt-test-cluster-')),
    ...(existsSync('/run/tlt-test') ? ['/run/tlt-test'] : []),
    ...cgroups(),
  ];
};

const cgroups = (): readonly string[] =>
  ['', ...readdirSync('/sys/fs/cgroup')].flatMap((controller) => {
    const folder = join('/sys/fs/cgroup', controller);
    try {
      return readdirSync(folder).filter((name) => name.startsWith('tlt-test-'));
    } catch {
      return []; // A file, not a hierarchy.
    }
  });

const started = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'hold.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...claimedByParent },
  });
  await new Promise((resolve, reject) => {
    child.stdout!.once('data', resolve);
    child.once('exit', reject);
  });
  return child;
};

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('exit', resolve));

test.before(claimMachine);

test.serial('Ctrl-C stops a cluster and leaves nothing', async (t) => {
  const child = await started();
  t.true((await traces()).length > 10, 'a running cluster is seen');
  const end = ended(child);
  child.kill('SIGINT');
  t.is(await end, 130);
  t.deepEqual(await traces(), []);
});

test.serial(
  'the processes of a killed cluster end, and the next clean-up removes what else it left',
  async (t) => {
    const child = await started();
    const end = ended(child);
    child.kill('SIGKILL');
    await end;
    t.true((await traces()).length > 0, 'it left mounts and files');
    await removeLeftovers();
    t.deepEqual(await traces(), []);
  },
);
