/** `kubectl modelexport` against a real apiserver. */
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import test from 'ava';
import { active, aModelExport, anExported } from '../builders/objects.ts';
import { factsAfter } from '../builders/plugin-facts.ts';
import { runProcess, type ToolRun } from '../builders/tool.ts';
import { kubeBinary } from '../cluster/binaries.ts';
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

test('kubectl finds the plugin on the PATH', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-plugin-'));
  const entry = join(import.meta.dirname, '..', '..', 'src', 'kubectl-modelexport.ts');
  const script = join(folder, 'kubectl-modelexport');
  writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`);
  chmodSync(script, 0o755);
  const PATH = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
  const kube = await kubeBinary();
  const explained = await run(kube, ['kubectl', 'modelexport', 'explain', 'WrongKey'], {
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
