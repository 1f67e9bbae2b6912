/** `kubectl modelexport` against a real apiserver. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import { active, aModelExport, anEngineBuilt, anExported } from '../builders/objects.ts';
import { factsAfter } from '../builders/plugin-facts.ts';
import { runProcess, type ToolRun } from '../builders/tool.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { eventually, run } from '../cluster/run.ts';
import { makePod, startKubelet } from './kubelet.ts';
import { watching } from './watching.ts';

let plane: ControlPlane;
const namespace = 'vision';
const path = `/apis/export.tlt.dev/v1beta1/namespaces/${namespace}/modelexports`;

test.before(async () => {
  plane = await startControlPlane();
  await installCrds(plane);
  await plane.kubectl(['create', 'namespace', namespace]);
  // No controller manager creates it.
  await plane.kubectl(['create', 'serviceaccount', 'default', '-n', namespace]);
});

test.after.always(() => plane?.stop());

const exported = { kind: 'Succeeded', result: anExported() } as const;

type States = Parameters<typeof factsAfter>[0];

/** The object with the status that the operator decides once Jobs are in these states. */
const decidedFor = (name: string, states: States) =>
  factsAfter(states, { modelExport: aModelExport({ metadata: { name } }) }).modelExport;

const readObject = async (name: string): Promise<ModelExport> =>
  JSON.parse(await plane.ask(`${path}/${name}`)) as ModelExport;

/** A change that leaves spec and status as they are. */
const relabel = async (name: string): Promise<void> => {
  const object = await readObject(name);
  const metadata = { ...object.metadata, labels: { team: 'vision' } };
  await plane.ask(`${path}/${name}`, { method: 'PUT', body: { ...object, metadata } });
};

const writeStatus = async (name: string, states: States): Promise<void> => {
  const object = await readObject(name);
  const { status } = decidedFor(name, states);
  await plane.ask(`${path}/${name}/status`, { method: 'PUT', body: { ...object, status } });
};

/** Stores a ModelExport with the status that the operator decides after its export. */
const store = async (name: string): Promise<void> => {
  const { apiVersion, kind, spec } = decidedFor(name, {});
  await plane.ask(path, { method: 'POST', body: { apiVersion, kind, metadata: { name, namespace }, spec } });
  await writeStatus(name, { export: exported, ampere: active });
};

const plugin = (...args: readonly string[]): Promise<ToolRun> =>
  runProcess('kubectl-modelexport', [...args, '--kubeconfig', plane.kubeconfig]);

test('status is JSON without a terminal, and text on request', async (t) => {
  await store('detector');
  const json = await plugin('status', 'detector', '-n', namespace);
  t.is(json.code, 0, json.stderr);
  const report = JSON.parse(json.stdout);
  t.is(report.state, 'Reconciling');
  t.deepEqual(
    report.stages.map(({ state }: { readonly state: string }) => state),
    ['done', 'active', 'active'],
  );
  const text = await plugin('status', 'detector', '-n', namespace, '-o', 'table');
  t.regex(text.stdout, /^ModelExport vision\/detector: Reconciling, engines 0\/2\n/);
  t.regex(text.stdout, /✔ export: Exported/);
});

test('suspend, resume, retry and verify change the object as the user of the plugin', async (t) => {
  await store('classifier');
  const run = (...args: readonly string[]) => plugin(...args, '-n', namespace);
  t.deepEqual(JSON.parse((await run('suspend', 'classifier')).stdout), {
    namespace,
    name: 'classifier',
    changed: true,
    message: 'vision/classifier is suspended',
  });
  t.true((await readObject('classifier')).spec.suspend);
  const refused = await run('retry', 'classifier');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /Run kubectl modelexport resume classifier -n vision first/);
  t.is((await run('resume', 'classifier', '-o', 'table')).stdout, 'vision/classifier is resumed\n');
  await run('retry', 'classifier', '--class', 'ampere');
  await run('verify', 'classifier');
  const { spec, metadata } = await readObject('classifier');
  const { annotations = {}, managedFields = [] } = metadata as typeof metadata & {
    readonly managedFields?: readonly { readonly manager: string }[];
  };
  t.false(spec.suspend);
  t.regex(annotations['export.tlt.dev/requested-at'] ?? '', /^ampere=20/);
  t.regex(annotations['export.tlt.dev/verify-requested-at'] ?? '', /^20/);
  t.true(managedFields.some(({ manager }) => manager === 'kubectl-modelexport'));
});

const built = { kind: 'Succeeded', result: anEngineBuilt() } as const;

test('watch prints each change once, and ends when the export is Ready', async (t) => {
  await store('watched');
  const { lines, ended, printed } = watching(plane.kubeconfig, { namespace, name: 'watched' });
  await printed(1);
  await relabel('watched');
  await writeStatus('watched', { export: exported, ampere: active, cpu: built });
  await printed(2);
  await writeStatus('watched', { export: exported, ampere: built, cpu: built });
  await ended;
  t.deepEqual(
    lines.map(({ state, enginesReady }) => [state, enginesReady]),
    [
      ['Reconciling', '0/2'],
      ['Reconciling', '1/2'],
      ['Ready', '2/2'],
    ],
  );
});

test('watch ends when the object is deleted', async (t) => {
  await store('doomed');
  const { ended, printed } = watching(plane.kubeconfig, { namespace, name: 'doomed' });
  await printed(1);
  await plane.ask(`${path}/doomed`, { method: 'DELETE' });
  await t.throwsAsync(ended, {
    instanceOf: UserError,
    message: /doomed in namespace vision: it was deleted/,
  });
});

test('watch of a Stalled export exits with the code of the reason', async (t) => {
  await store('stalled');
  const refused = { kind: 'Failed', reason: 'EngineBuildFailed', message: 'refused' } as const;
  await writeStatus('stalled', { export: exported, ampere: refused, cpu: built });
  const { code, stdout, stderr } = await plugin('watch', 'stalled', '-n', namespace);
  t.is(code, 40, stderr);
  t.regex(stderr, /vision\/stalled: it is Stalled \(EnginesFailed\)/);
  t.is(JSON.parse(stdout).state, 'Stalled');
});

test('logs reads the containers of the pod through the apiserver', async (t) => {
  await store('logged');
  const port = await startKubelet(t);
  await makePod(plane.ask, { namespace, owner: 'logged', port });
  const { code, stdout, stderr } = await plugin('logs', 'logged', '-n', namespace);
  t.is(code, 0, stderr);
  t.is(
    stdout,
    'stage | /containerLogs/vision/logged-pod/stage\nexport | /containerLogs/vision/logged-pod/export\n',
  );
  const none = await plugin('logs', 'logged', '--class', 'cpu', '-n', namespace);
  t.is(none.code, 12);
  t.regex(none.stderr, /the engine cpu has no pod/);
});

const podsPath = `/api/v1/namespaces/${namespace}/pods`;

/** Names of the pods of `fetch` for this ModelExport. */
const readerPods = async (name: string): Promise<readonly string[]> => {
  const { items } = JSON.parse(await plane.ask(podsPath)) as { items: { metadata: { name: string } }[] };
  return items.map(({ metadata }) => metadata.name).filter((each) => each.startsWith(`${name}-fetch-`));
};

test('fetch --dry-run prints a pod that the apiserver accepts, and creates nothing', async (t) => {
  await store('planned');
  const args = ['fetch', 'planned', '-n', namespace, '--image', 'ours:1', '--dry-run'] as const;
  const { code, stdout, stderr } = await plugin(...args);
  t.is(code, 0, stderr);
  t.regex(stderr, /^# pvc:\/\/exports\/\S+\/model\.etlt → planned\/model\.etlt$/m);
  await plane.kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  t.regex(
    await plane.kubectl(['apply', '--dry-run=server', '-f', '-'], stdout),
    /pod\/planned-fetch-\w+ created/,
  );
  t.deepEqual(await readerPods('planned'), []);
});

test('fetch that is interrupted deletes its pod and leaves no file', async (t) => {
  await store('interrupted');
  const folder = mkdtempSync(join(tmpdir(), 'tlt-plugin-'));
  const args = [
    'fetch',
    'interrupted',
    '-n',
    namespace,
    '--image',
    'ours:1',
    '--kubeconfig',
    plane.kubeconfig,
  ];
  const entry = join(import.meta.dirname, '../../src/kubectl-modelexport.ts');
  const child = spawn(process.execPath, [entry, ...args], { cwd: folder, stdio: 'ignore' });
  await eventually('a pod', async () => ((await readerPods('interrupted')).length > 0 ? true : undefined));
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  t.is(code, 51);
  t.deepEqual(await readerPods('interrupted'), []);
  t.deepEqual(readdirSync(folder), []);
});

test('fetch without the permission to create pods names the verbs', async (t) => {
  await store('forbidden');
  await plane.kubectl(['create', 'serviceaccount', 'viewer', '-n', namespace]);
  const role = ['create', 'role', 'viewer', '-n', namespace, '--verb=get,list'];
  await plane.kubectl([...role, '--resource=modelexports.export.tlt.dev']);
  const subject = `--serviceaccount=${namespace}:viewer`;
  await plane.kubectl(['create', 'rolebinding', 'viewer', '-n', namespace, '--role=viewer', subject]);
  const token = (await plane.kubectl(['create', 'token', 'viewer', '-n', namespace])).trim();
  const config = JSON.parse(readFileSync(plane.kubeconfig, 'utf8'));
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'tlt-plugin-')), 'config');
  writeFileSync(kubeconfig, JSON.stringify({ ...config, users: [{ name: 'test', user: { token } }] }));
  const fetch = (...more: readonly string[]) =>
    runProcess('kubectl-modelexport', [
      ...['fetch', 'forbidden', '-n', namespace, '--kubeconfig', kubeconfig, ...more],
      ...['-o', `${dirname(kubeconfig)}/`],
    ]);
  const noImage = await fetch();
  t.is(noImage.code, 2);
  t.regex(noImage.stderr, /Pass the image of the operator by --image/);
  const refused = await fetch('--image', 'ours:1');
  t.is(refused.code, 1);
  t.regex(
    refused.stderr,
    /cannot create resource "pods".*create, get and delete on pods, and create and get on pods\/exec/,
  );
});

test('hardware reads the nodes and classes of the cluster', async (t) => {
  const spec = { engine: { backend: 'OnnxRuntime' }, nodeSelector: { pool: 'edge' } };
  const meta = {
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ExportDeviceClass',
    metadata: { name: 'edge' },
  };
  await plane.ask('/apis/export.tlt.dev/v1beta1/exportdeviceclasses', {
    method: 'POST',
    body: { ...meta, spec },
  });
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'far', labels: { pool: 'core', 'kubernetes.io/os': 'linux' } },
  };
  await plane.ask('/api/v1/nodes', { method: 'POST', body: node });
  const { stdout } = await plugin('hardware', '--class', 'edge');
  const [{ name, matching, others }] = JSON.parse(stdout).classes;
  t.deepEqual([name, matching], ['edge', []]);
  t.like(others[0], { why: 'label pool is core, the class selects edge', nodes: ['far'] });
  const missing = await plugin('hardware', '--class', 'absent');
  t.is(missing.code, 12);
});

test('the apiserver accepts what convert prints', async (t) => {
  const words = [
    'detectnet_v2',
    '-m',
    'd.tlt',
    '-o',
    'out/d.etlt',
    '--data_type',
    'int8',
    '--cal_image_dir',
    'i',
  ];
  const choices = [
    '--name',
    'd',
    '-n',
    namespace,
    '--claim',
    'models',
    '--key-secret',
    'k',
    '--device-class',
    'a,b',
  ];
  const { stdout, stderr } = await runProcess('kubectl-modelexport', [
    'convert',
    ...choices,
    '--',
    'tlt-export',
    ...words,
  ]);
  t.regex(stderr, /^# The key comes from the Secret k/);
  t.regex(await plane.kubectl(['apply', '--dry-run=server', '-f', '-'], stdout), /modelexport.*d created/);
});

test('kubectl finds the plugin on the PATH', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-plugin-'));
  const entry = join(import.meta.dirname, '..', '..', 'src', 'kubectl-modelexport.ts');
  const script = join(folder, 'kubectl-modelexport');
  writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`);
  chmodSync(script, 0o755);
  const PATH = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
  const explained = await run('kubectl', ['modelexport', 'explain', 'WrongKey'], {
    env: { PATH },
  });
  t.is(JSON.parse(explained).exitCode, 10);
});

test('a missing object, context or kubeconfig exits with 12 and says what is missing', async (t) => {
  const missing = await plugin('status', 'absent', '-n', namespace);
  t.is(missing.code, 12);
  t.regex(
    missing.stderr,
    /ModelExport absent in namespace vision: it does not exist.*kubectl get mex -n vision/,
  );
  const context = await plugin('status', 'absent', '--context', 'staging');
  t.is(context.code, 12);
  t.regex(context.stderr, /no context 'staging'\. Its contexts are: /);
  const file = await runProcess('kubectl-modelexport', [
    'status',
    'absent',
    '--kubeconfig',
    '/absent/config',
  ]);
  t.is(file.code, 12);
  t.regex(file.stderr, /\/absent\/config/);
});

test('an apiserver that does not answer is no defect of the plugin', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-plugin-'));
  const kubeconfig = join(folder, 'config');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'gone', cluster: { server: 'https://127.0.0.1:1' } }],
      users: [{ name: 'me', user: { token: 't' } }],
      contexts: [{ name: 'gone', context: { cluster: 'gone', user: 'me' } }],
      'current-context': 'gone',
    }),
  );
  const refused = await runProcess('kubectl-modelexport', ['status', 'demo', '--kubeconfig', kubeconfig]);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /^kubectl modelexport: Asking the apiserver: GET .*ECONNREFUSED/);
  t.notRegex(refused.stderr, /bug/);
});

test('an empty device class, and a command line of another tool, exit with 2', async (t) => {
  const choices = ['--name', 'd', '--claim', 'models', '--key-secret', 'k', '--device-class'];
  const convert = (...words: readonly string[]) =>
    runProcess('kubectl-modelexport', ['convert', ...choices, ...words]);
  const empty = await convert('a,,b', '--', 'tlt-export', 'classification', '-m', 'm.tlt');
  t.is(empty.code, 2);
  t.regex(empty.stderr, /'a,,b' has an empty name/);
  const other = await convert('a', '--', 'tlt-model', 'inspect', 'm.tlt');
  t.is(other.code, 2);
  t.regex(other.stderr, /must start with tlt-export/);
});

test('an unknown command exits with 2 and suggests one', async (t) => {
  const { code, stderr } = await runProcess('kubectl-modelexport', ['statsu', 'demo']);
  t.is(code, 2);
  t.regex(stderr, /unknown command 'statsu' \(did you mean status\?\): status, /);
});
