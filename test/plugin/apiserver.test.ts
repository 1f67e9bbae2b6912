/** `kubectl modelexport` against a real apiserver. */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { active, aModelExport, anExported } from '../builders/objects.ts';
import { factsAfter } from '../builders/plugin-facts.ts';
import { runProcess, type ToolRun } from '../builders/tool.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { run } from '../cluster/run.ts';

let plane: ControlPlane;
const namespace = 'vision';
const path = `/apis/export.tlt.dev/v1beta1/namespaces/${namespace}/modelexports`;

test.before(async () => {
  plane = await startControlPlane();
  await plane.kubectl(['apply', '-k', 'crds']);
  await plane.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
  await plane.kubectl(['create', 'namespace', namespace]);
});

test.after.always(() => plane?.stop());

/** Stores a ModelExport with the status that the operator decides after its export. */
const store = async (name: string): Promise<void> => {
  const states = { export: { kind: 'Succeeded', result: anExported() }, ampere: active } as const;
  const { spec, status } = factsAfter(states, {
    modelExport: aModelExport({ metadata: { name } }),
  }).modelExport;
  const made = {
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ModelExport',
    metadata: { name, namespace },
    spec,
  };
  const body = JSON.parse(await plane.ask(path, { method: 'POST', body: made })) as object;
  await plane.ask(`${path}/${name}/status`, { method: 'PUT', body: { ...body, status } });
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
  const read = async () => JSON.parse(await plane.ask(`${path}/classifier`));
  const run = (...args: readonly string[]) => plugin(...args, '-n', namespace);
  t.deepEqual(JSON.parse((await run('suspend', 'classifier')).stdout), {
    namespace,
    name: 'classifier',
    changed: true,
    message: 'vision/classifier is suspended',
  });
  t.true((await read()).spec.suspend);
  const refused = await run('retry', 'classifier');
  t.is(refused.code, 2);
  t.regex(refused.stderr, /Run kubectl modelexport resume classifier -n vision first/);
  t.is((await run('resume', 'classifier', '-o', 'table')).stdout, 'vision/classifier is resumed\n');
  await run('retry', 'classifier', '--class', 'ampere');
  await run('verify', 'classifier');
  const { spec, metadata } = await read();
  t.false(spec.suspend);
  t.regex(metadata.annotations['export.tlt.dev/requested-at'], /^ampere=20/);
  t.regex(metadata.annotations['export.tlt.dev/verify-requested-at'], /^20/);
  const managers = metadata.managedFields.map(({ manager }: { readonly manager: string }) => manager);
  t.true(managers.includes('kubectl-modelexport'));
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
  t.deepEqual(JSON.parse(stdout).classes, [
    {
      name: 'edge',
      backend: 'OnnxRuntime',
      matching: [],
      others: [{ why: 'label pool is core, the class selects edge', nodes: ['far'] }],
    },
  ]);
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

test('an unknown command exits with 2 and suggests one', async (t) => {
  const { code, stderr } = await runProcess('kubectl-modelexport', ['statsu', 'demo']);
  t.is(code, 2);
  t.regex(stderr, /unknown command 'statsu': status, .*did you mean status\?/);
});
