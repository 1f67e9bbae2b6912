/**
 * Every command of a page that runs on a cluster (`ways` names them), in the order of the pages, on a real control plane. The test
 * plays the kubelets; the operator that exports runs in this process.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { jobResources } from '../../src/cluster/ownedjobs/caches.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { aClientOf } from '../builders/client.ts';
import { aSpec } from '../builders/objects.ts';
import { runOperator } from '../builders/operator.ts';
import { makeShell } from '../builders/pages.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { untilEstablished } from '../cluster/crds.ts';
import { foreignCrds, helmBinary } from '../cluster/go-tools.ts';
import { eventually, run } from '../cluster/run.ts';
import { follow } from '../modelexport/followed.ts';
import { blocksOf, pages, stepsOf } from '../pages/blocks.ts';
import { addNodes, admissibleObjects } from '../pages/cluster.ts';
import { runOperators } from '../pages/operated.ts';
import { makeReader, type Reader } from '../pages/reader.ts';
import { findWay, ways } from '../pages/ways.ts';
import { healthOf } from './ask.ts';

const fleet = 'deploy/samples/fleet';
const folder = mkdtempSync(join(tmpdir(), 'tlt-pages-'));
let reader: Reader;
const stop = new AbortController();
let plane: ControlPlane;
let admin: KubeClient;
let shell: (block: string) => Promise<string>;

test.before(async () => {
  plane = await startControlPlane({ controllerManager: true });
  admin = aClientOf(plane.kubeconfig);
  const programs = { helm: await helmBinary() };
  shell = makeShell({ folder, programs, env: { HOME: folder, KUBECONFIG: plane.kubeconfig } });
  reader = makeReader({ KUBECONFIG: plane.kubeconfig }, programs);
  void keepPodsOfOperatorReady();
});
test.after.always(async () => {
  stop.abort(new Error('the test is over'));
  rmSync(folder, { recursive: true, force: true });
  reader?.leave();
  await plane?.stop();
});

type Pods = {
  readonly items: readonly { readonly metadata: { readonly name: string; readonly namespace: string } }[];
};

/** What kubelets would report of the pods of the operator's Deployments. */
const keepPodsOfOperatorReady = async (): Promise<void> => {
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }];
  const query = {
    labelSelector: 'app.kubernetes.io/component=controller',
    fieldSelector: 'status.phase=Pending',
  };
  while (!stop.signal.aborted) {
    const { items } = (await admin
      .list(jobResources.pods, { query }, stop.signal)
      .catch(() => ({ items: [] }))) as Pods;
    for (const { metadata } of items) {
      const at = { namespace: metadata.namespace, name: metadata.name, subresource: 'status' };
      const status = { phase: 'Running', conditions };
      await admin.mergePatch(jobResources.pods, at, { status }, stop.signal).catch(() => {}); // It was deleted.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** The blocks of commands of a page that run on a cluster. */
const commandsOn = (page: string): readonly string[] =>
  blocksOf(page).flatMap((block) =>
    block.language === 'sh' && findWay(block)?.[1] === 'cluster' ? [block.text] : [],
  );

const removeEverything = 'kubectl delete -k crds\n';

test.serial(
  'the commands of docs/install.md work in their order, and the objects of users outlive all but the last',
  async (t) => {
    const blocks = commandsOn('docs/install.md');
    t.is(blocks.at(-1), removeEverything);
    const [inChart] = blocksOf('helm/tlt-export-operator/README.md');
    t.true(blocks[0]!.startsWith(inChart!.text), "the chart's README shows the first command");
    const kept = {
      apiVersion: 'export.tlt.dev/v1beta1',
      kind: 'ModelExport',
      metadata: { name: 'kept' },
      spec: aSpec(),
    };
    const uid = () => plane.kubectl(['get', 'mex', 'kept', '-o', 'jsonpath={.metadata.uid}']);
    await shell(blocks[0]!);
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify(kept));
    const before = await uid();
    for (const block of blocks.slice(1, -1)) {
      await t.notThrowsAsync(shell(block), block);
      t.is(await uid(), before, block);
    }
    await shell(removeEverything);
    await t.throwsAsync(uid(), {
      message: /doesn't have a resource type|could not find the requested resource|not found/,
    });
    await plane.kubectl(['delete', 'namespace', 'vision', 'radar']); // Other pages begin with them.
  },
);

const pagesBeside = Object.entries(ways)
  .filter(
    ([page, rows]) =>
      !['docs/install.md', 'docs/gitops.md'].includes(page) && rows.some(([, way]) => way === 'cluster'),
  )
  .map(([page]) => page);

test.serial(
  'the commands of docs/reference/operator.md become ready, and end when they are asked to',
  async (t) => {
    await plane.kubectl(['apply', '--server-side', '-k', 'crds']);
    await untilEstablished(plane);
    const blocks = blocksOf('docs/reference/operator.md').filter((block) => stepsOf(block).length > 0);
    const ended = (await Promise.all(blocks.map((block) => runOperators(block, plane.kubeconfig)))).flat();
    t.is(ended.length, 2);
    for (const { command, code, log } of ended) t.is(code, 0, `operator ${command}: ${log}`);
  },
);

test.serial('an operator runs, and nodes have the hardware that the pages name', async (t) => {
  await plane.kubectl(['apply', '--server-side', '-f', 'deploy/cluster/user-roles.yaml']);
  void runOperator(admin, stop.signal);
  follow(admin, stop.signal, failAmpereOfDemo);
  await addNodes(plane.ask);
  t.pass();
});

test.serial('the apiserver admits every object of ours in a page', async (t) => {
  const items = pages.flatMap((page) => blocksOf(page).flatMap(admissibleObjects));
  t.true(items.length > 15);
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const answer = await plane.kubectl(['create', '--dry-run=server', '--validate=strict', '-f', '-'], list);
  t.is(answer.match(/created \(server dry run\)/g)?.length, items.length);
});

/** The failure that docs/plugin.md requests another attempt at. */
const failAmpereOfDemo: Parameters<typeof follow>[2] = (labels) =>
  labels['export.tlt.dev/model-export'] === 'demo' && labels['export.tlt.dev/device-class'] === 'ampere'
    ? 'EngineBuildFailed'
    : undefined;

/** Exports that a page names and does not create. */
const exportsOf: Readonly<Record<string, readonly { readonly namespace: string; readonly name: string }[]>> =
  {
    'docs/plugin.md': [{ namespace: 'vision', name: 'demo' }],
    'docs/reference/kubectl-modelexport.md': [
      { namespace: 'vision', name: 'detector' },
      { namespace: 'default', name: 'detector' },
    ],
  };

/** Applies an export, and waits until nothing more happens. */
const applyEnded = async (metadata: { readonly namespace: string; readonly name: string }): Promise<void> => {
  const object = { apiVersion: 'export.tlt.dev/v1beta1', kind: 'ModelExport', metadata, spec: aSpec() };
  await plane.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  const at = ['-n', metadata.namespace, `mex/${metadata.name}`];
  await plane.kubectl(['wait', '--for=condition=Reconciling=False', ...at, '--timeout=60s']);
};

for (const page of pagesBeside)
  test.serial(`the commands of ${page} work in their order, and print what the page shows`, async (t) => {
    for (const each of exportsOf[page] ?? []) await applyEnded(each);
    for (const block of blocksOf(page))
      if (stepsOf(block).length > 0 && findWay(block)?.[1] === 'cluster') await reader.follow(block);
    t.pass();
  });

test.serial(
  'the commands of docs/gitops.md work in their order, and the exports of the sample fleet become Ready',
  async (t) => {
    await plane.kubectl(['delete', 'mex,caltf,edc', '--all', '--all-namespaces']);
    await plane.kubectl(['create', 'namespace', 'argocd']);
    await plane.kubectl(['create', 'configmap', 'argocd-cm', '-n', 'argocd', '--from-literal=kept=yes']);
    const answers: string[] = [];
    for (const block of commandsOn('docs/gitops.md')) answers.push(await shell(block));
    t.true(answers.some((answer) => answer.includes('traffic-lights Ready')));
    t.is(answers.at(-1), '', 'kubectl diff shows no difference');
    const patched = JSON.parse(
      await plane.kubectl(['get', 'configmap', 'argocd-cm', '-n', 'argocd', '-o', 'json']),
    );
    t.is(Object.keys(patched.data).length, 6, 'five keys beside what was there before');
  },
);

const versionsOf = (kinds: string): Promise<string> =>
  plane.kubectl(['get', kinds, '-n', 'vision', '-o', 'jsonpath={.items[*].metadata.resourceVersion}']);

test.serial(
  'applying the fleet again, server-side or client-side, changes nothing that is stored',
  async (t) => {
    const ours = 'mex,caltf,edc,configmaps,resourcequotas';
    for (const how of [['--server-side'], []] as const) {
      const apply = () =>
        Promise.all(
          ['platform', 'teams/vision'].map((part) =>
            plane.kubectl(['apply', ...how, '-k', join(fleet, part)]),
          ),
        );
      await apply(); // The first client-side apply adds its annotation.
      const before = await versionsOf(ours);
      await apply();
      t.is(await versionsOf(ours), before, how.join() || 'client-side');
    }
  },
);

test.serial(
  'a changed experiment spec is another ConfigMap, and both objects that name it change',
  async (t) => {
    const path = join(folder, 'vision');
    await run('cp', ['-r', join(fleet, 'teams/vision'), path]);
    const nameIn = async (place: string): Promise<readonly string[]> => {
      const rendered = await run('kubectl', ['kustomize', place]);
      return [...new Set(rendered.match(/licence-plates-spec-\w+/g))];
    };
    const before = await nameIn(path);
    await run('sed', ['-i', 's/n_epochs: 80/n_epochs: 81/', join(path, 'models/licence-plates/spec.cfg')]);
    const after = await nameIn(path);
    t.is(before.length, 1);
    t.is(after.length, 1);
    t.not(after[0], before[0]);
  },
);

type WithWave = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
};

const waveOf = ({ metadata }: WithWave): number =>
  Number(metadata.annotations?.['argocd.argoproj.io/sync-wave'] ?? 0);

test.serial(
  'sync waves: each wave of the fleet becomes Healthy before the next one is applied',
  async (t) => {
    await plane.kubectl(['delete', 'mex,caltf', '--all', '-n', 'vision']);
    await plane.kubectl(['delete', 'edc', '--all']);
    const rendered = await Promise.all(
      ['platform', 'teams/vision'].map((part) => run('kubectl', ['kustomize', join(fleet, part)])),
    );
    const objects = rendered.flatMap((text) =>
      parseAllDocuments(text).map((document) => document.toJS() as WithWave),
    );
    const waves = [...new Set(objects.map(waveOf))].sort((a, b) => a - b);
    t.deepEqual(waves, [-1, 0, 1]);
    for (const wave of waves) {
      const inWave = objects.filter((object) => waveOf(object) === wave);
      const list = { apiVersion: 'v1', kind: 'List', items: inWave };
      await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list));
      for (const { kind, metadata } of inWave.filter(({ kind }) => /Export|Calibration/.test(kind)))
        await eventually(`${kind} ${metadata.name} to be Healthy`, async () => {
          const object = JSON.parse(
            await plane.kubectl(['get', kind, metadata.name, '-n', 'vision', '-o', 'json']),
          ) as object;
          const script = kind === 'ExportDeviceClass' ? 'class-health' : 'export-health';
          return (await healthOf(script, [object]))[0]!.status === 'Healthy' || undefined;
        });
    }
    const begun = await plane.kubectl([
      'get',
      'mex',
      'licence-plates',
      '-n',
      'vision',
      '-o',
      'jsonpath={.status.export.calibrationTensorfile.name}',
    ]);
    t.is(begun, 'licence-plates');
  },
);

test.serial('Argo CD and Flux accept what the samples give them', async (t) => {
  await plane.kubectl(['apply', '--server-side', '-f', await foreignCrds('gitops')]);
  await untilEstablished(plane);
  await plane.kubectl(['create', 'namespace', 'flux-system']);
  for (const file of ['argocd.yaml', 'flux.yaml']) {
    const path = join(fleet, 'clusters/production', file);
    const documents = readFileSync(path, 'utf8').match(/^kind:/gm)!.length;
    const answer = await plane.kubectl([
      'apply',
      '--server-side',
      '--dry-run=server',
      '--validate=strict',
      '-f',
      path,
    ]);
    t.is(answer.match(/serverside-applied/g)?.length, documents, file);
  }
});

test('every object that Flux waits for is in the folder that it applies', async (t) => {
  const text = readFileSync(join(fleet, 'clusters/production/flux.yaml'), 'utf8');
  const checks = parseAllDocuments(text).flatMap(
    (document) =>
      (document.toJS() as { spec: { healthChecks?: { kind: string; name: string }[] } }).spec.healthChecks ??
      [],
  );
  const applied = parseAllDocuments(await run('kubectl', ['kustomize', join(fleet, 'teams/vision')])).map(
    (document) => document.toJS() as WithWave,
  );
  const ours = applied
    .filter(({ kind }) => kind !== 'ConfigMap')
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  t.deepEqual(checks.map(({ kind, name }) => `${kind} ${name}`).sort(), ours.sort());
});
