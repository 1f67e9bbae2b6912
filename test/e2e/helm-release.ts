/** A release of the Helm chart on the test cluster: its pods run, and an export runs in pods through all that Helm does. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { ExecutionContext } from 'ava';
import { makeShell } from '../builders/pages.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { helmBinary } from '../cluster/go-tools.ts';
import { eventually, linesOf, run } from '../cluster/run.ts';
import {
  conditionOf,
  isReady,
  namespace,
  operatorNamespace,
  readExport,
  root,
  sampleName,
  untilStatus,
} from '../demo/scenario.ts';
import { chart, helm } from '../helm/helm.ts';
import { blocksOf } from '../pages/blocks.ts';

const release = ['tlt-export-operator', '--namespace', operatorNamespace] as const;
const wait = ['--wait', '--timeout', '90s'] as const;
const images = ['--set', 'images.operator.tag=dev,images.tensorRtRtx.tag=dev'] as const;
const name = 'in-flight';

type Job = { readonly metadata: { readonly name: string; readonly uid: string } };

/** Jobs of the export by name; a name stands for one artifact and one attempt. */
const jobsOf = async ({ kubectl }: Cluster): Promise<readonly string[]> => {
  const list = await kubectl([
    'get',
    'jobs',
    '-n',
    namespace,
    '-l',
    `export.tlt.dev/model-export=${name}`,
    '-o',
    'json',
  ]);
  return (JSON.parse(list) as { items: Job[] }).items
    .map(({ metadata }) => `${metadata.name} ${metadata.uid}`)
    .sort();
};

/** A new export of the sample's model for one class, under way when this resolves. */
const startExport = async (cluster: Cluster): Promise<void> => {
  const { apiVersion, kind, spec } = await readExport(cluster, sampleName);
  const own = { ...spec, output: { uri: 'pvc://exports/in-flight' }, deviceClasses: [{ name: 'cpu' }] };
  await cluster.kubectl(
    ['apply', '-n', namespace, '-f', '-'],
    JSON.stringify({ apiVersion, kind, metadata: { name }, spec: own }),
  );
  await eventually('the Job of the export', async () =>
    (await jobsOf(cluster)).length > 0 ? true : undefined,
  );
};

/** Ready objects with their digests: what no release may change. */
const finished = async ({ kubectl }: Cluster): Promise<string> => {
  const fields =
    '{range .items[?(@.status.progress=="done")]}{.metadata.uid} {.status.engines[*].sha256}{"\\n"}{end}';
  return kubectl(['get', 'mex', '-n', namespace, '-o', `jsonpath=${fields}`]);
};

const podsOf = async ({ kubectl }: Cluster): Promise<string> =>
  (await kubectl(['get', 'pods', '-n', operatorNamespace, '-o', 'name'])).trim();

const askPage =
  'process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0"; const headers = { authorization: "Basic " + btoa("anyone:" + process.argv[1]) };' +
  'fetch("https://127.0.0.1:8080/exports?name=in-flight", { headers }).then(async (got) => console.log(await got.text()))';

/** The page of all exports, turned on and opened by the commands of docs/page.md, in their order. */
const readPage = async ({ kubeconfig, kubectl }: Cluster): Promise<string> => {
  const [turnOn, makeToken, forward] = blocksOf('docs/page.md')
    .filter(({ language }) => language === 'sh')
    .map(({ text }) => text);
  const folder = mkdtempSync(join(tmpdir(), 'tlt-page-'));
  const shell = makeShell({
    folder,
    programs: { helm: await helmBinary() },
    env: { KUBECONFIG: kubeconfig },
  });
  await shell(turnOn!);
  await kubectl(['rollout', 'status', 'deployment/tlt-export-operator', '-n', operatorNamespace]);
  const token = (await shell(makeToken!)).trim().split('\n').at(-1)!;
  const forwarding = linesOf('bash', ['-c', `export KUBECONFIG='${kubeconfig}'; exec ${forward}`], 60_000);
  await forwarding.next();
  const page = await run(process.execPath, ['-e', askPage, token]);
  await forwarding.return(undefined);
  return page;
};

/** Replaces the installation by kustomize with a release, and takes it through its life. */
export const liveAsRelease = async (t: ExecutionContext, cluster: Cluster): Promise<void> => {
  const before = await finished(cluster);
  const byHelm = (...args: readonly string[]) => helm(args, cluster.kubeconfig);
  await cluster.kubectl(['delete', '-k', `${root}/deploy`]);
  t.is(await finished(cluster), before, 'kubectl delete -k deploy');
  await byHelm('install', ...release, chart, ...images, '--set', 'replicas=1', '--take-ownership', ...wait);
  await startExport(cluster);
  const [first] = await jobsOf(cluster);
  await byHelm('upgrade', ...release, chart, ...images, '--set', `watchNamespaces={${namespace}}`, ...wait);
  await byHelm('rollback', release[0], '1', '--namespace', operatorNamespace, ...wait);
  await byHelm('uninstall', ...release, '--wait');
  await eventually(
    'the pods of the operator to end',
    async () => (await podsOf(cluster)) === '' || undefined,
  );
  await byHelm('install', ...release, chart, ...images, '--set', 'replicas=1', ...wait);
  const status = await untilStatus(cluster, name, { holds: isReady, limitMs: 120_000 });
  t.is(conditionOf(status, 'Ready')!.reason, 'Ready');
  t.regex(await readPage(cluster), /<th scope="row">in-flight<small>vision, classification<\/small>/);
  const jobs = await jobsOf(cluster);
  t.is(jobs.length, 2, 'one export and one engine, each by one Job');
  t.true(jobs.includes(first!));
  const after = await finished(cluster);
  for (const line of before.trim().split('\n')) t.true(after.includes(line), line);
};
