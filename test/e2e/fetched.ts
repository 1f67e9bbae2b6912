/** Artifacts that leave their claim: through the plugin, and through the init container of docs/serving.md. */
import { mkdtempSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { parse } from 'yaml';
import type { ModelExportStatus } from '../../src/cluster/api/model-export.ts';
import { runProcess, type ToolRun } from '../builders/tool.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { namespace, root, sampleName } from '../demo/scenario.ts';

export type Stored = {
  readonly cluster: Cluster;
  readonly status: ModelExportStatus;
  /** Path of a file of the claim on this machine. */
  readonly fileOf: (uri: string) => string;
};

/** Runs a command of the plugin in the namespace of the tests. */
export const runPlugin = (cluster: Cluster, ...args: readonly string[]): Promise<ToolRun> =>
  runProcess('kubectl-modelexport', [...args, '-n', namespace, '--kubeconfig', cluster.kubeconfig]);

const podsNamed = async ({ cluster }: Stored, word: string): Promise<readonly string[]> =>
  (await cluster.kubectl(['get', 'pods', '-n', namespace, '-o', 'name']))
    .split('\n')
    .filter((name) => name.includes(word));

/** Everything is fetched through one pod that is gone afterwards; the report alone, too; a missing file is named. */
export const fetchByPlugin = async (t: ExecutionContext, stored: Stored): Promise<void> => {
  const { status, fileOf } = stored;
  const folder = mkdtempSync(join(tmpdir(), 'tlt-fetched-'));
  const all = await runPlugin(stored.cluster, 'fetch', sampleName, '-o', `${folder}/`);
  t.is(all.code, 0, all.stderr);
  const { export: exported, engines } = status;
  const { etlt, calibrationCache, report } = exported!;
  const wanted: Readonly<Record<string, string>> = {
    'model.etlt': etlt!.uri,
    'calibration.cache': calibrationCache!.uri,
    'report.html': report!.pageUri!,
    'report.json': report!.uri,
    ...Object.fromEntries(
      engines!.map(({ deviceClass, uri }) => [`${deviceClass}-${uri!.split('/').at(-1)}`, uri!]),
    ),
  };
  t.deepEqual(readdirSync(folder).sort(), Object.keys(wanted).sort());
  for (const [name, uri] of Object.entries(wanted))
    t.true(readFileSync(join(folder, name)).equals(readFileSync(fileOf(uri))), name);
  const page = fileOf(report!.pageUri!);
  renameSync(page, `${page}.away`);
  const absent = await runPlugin(stored.cluster, 'report', sampleName, '-o', join(folder, 'again.html'));
  renameSync(`${page}.away`, page);
  t.is(absent.code, 12, absent.stderr);
  t.regex(absent.stderr, /report\.html: it does not exist, although status lists it/);
  t.false(readdirSync(folder).includes('again.html'));
  await eventually(
    'the pods of fetch to end',
    async () => (await podsNamed(stored, '-fetch-')).length === 0 || undefined,
  );
};

const security = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
const podSecurity = { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } };
const hashEngine =
  "process.stdout.write(require('node:crypto').createHash('sha256').update(require('node:fs').readFileSync('/engines/model.plan')).digest('hex'))";

/** The pod of docs/serving.md for the class cpu, with a server that prints the digest of what it finds. */
const servingPod = (folder: string) => {
  const page = readFileSync(join(root, 'docs/serving.md'), 'utf8');
  const { spec } = parse(/```yaml\n([\s\S]*?)```/.exec(page)![1]!).spec.template;
  const [fetch] = spec.initContainers;
  const command = fetch.command.map((word: string) =>
    word === 'ampere' ? 'cpu' : word.startsWith('/claim/') ? `/claim/${folder}` : word,
  );
  const [server] = spec.containers;
  const volumes = spec.volumes.map(({ name, persistentVolumeClaim, ...volume }: Record<string, unknown>) => ({
    name,
    ...(persistentVolumeClaim ? { persistentVolumeClaim: { claimName: 'exports', readOnly: true } } : volume),
  }));
  return {
    restartPolicy: 'Never',
    securityContext: podSecurity,
    initContainers: [{ ...fetch, command, securityContext: security }],
    containers: [
      { ...server, image: fetch.image, command: ['node', '-e', hashEngine], securityContext: security },
    ],
    volumes,
  };
};

/** The server finds the engine with the digest of status. */
export const serveByInitContainer = async (
  t: ExecutionContext,
  { cluster, status }: Stored,
): Promise<void> => {
  const folder = new URL(status.export!.etlt!.uri).pathname.split('/').slice(1, -1).join('/');
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'serving' }, spec: servingPod(folder) };
  await cluster.kubectl(['apply', '-n', namespace, '-f', '-'], JSON.stringify(pod));
  const done = ['--for=jsonpath={.status.phase}=Succeeded', 'pod/serving', '--timeout=60s'];
  await cluster.kubectl(['wait', '-n', namespace, ...done]);
  const printed = await cluster.kubectl(['logs', '-n', namespace, 'serving']);
  t.is(printed, status.engines!.find(({ deviceClass }) => deviceClass === 'cpu')!.sha256!);
  t.regex(await cluster.kubectl(['logs', '-n', namespace, 'serving', '-c', 'fetch']), new RegExp(printed));
};
