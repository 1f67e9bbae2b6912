/** What `kubectl modelexport fetch` reads, through which pod, and what it leaves on the disk. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { makeS3Reading } from '../../src/cluster/jobs/s3.ts';
import { type ArtifactRequest, chooseArtifacts } from '../../src/cluster/plugin/artifacts.ts';
import { chooseImage, chooseNode } from '../../src/cluster/plugin/reader-image.ts';
import { makeReaderPod, readCommand } from '../../src/cluster/plugin/reader-pod.ts';
import { stateOfReader } from '../../src/cluster/plugin/reader-state.ts';
import { saveFiles, type TargetFile } from '../../src/cluster/plugin/save.ts';
import { withStoredReader } from '../../src/cluster/plugin/stored-reader.ts';
import { CommandFailed } from '../../src/cluster/runtime/pod-exec.ts';
import { systemClock } from '../../src/ground/base/clock.ts';
import { sha256 } from '../../src/ground/base/digest.ts';
import { UserError } from '../../src/ground/base/errors.ts';
import type { FailureReason } from '../../src/ground/base/failures.ts';
import { failures } from '../../src/ground/base/failures.ts';
import { active, aModelExport, anEngineBuilt, anExported } from '../builders/objects.ts';
import { factsAfter } from '../builders/plugin-facts.ts';

const exported = {
  kind: 'Succeeded',
  result: { ...anExported(), report: { file: 'report.json', pageFile: 'report.html' } },
} as const;
const built = { kind: 'Succeeded', result: anEngineBuilt() } as const;

/** After the export and the engine of ampere; that of cpu is still being built. */
const half = (): ModelExport => factsAfter({ export: exported, ampere: built, cpu: active }).modelExport;

const refuses = (t: ExecutionContext, run: () => unknown, reason: FailureReason, says: RegExp): void => {
  const { reason: found, message } = t.throws(run, { instanceOf: UserError })!;
  t.is(found, reason);
  t.regex(message, says);
};

const namesOf = (request: ArtifactRequest): readonly string[] =>
  chooseArtifacts(half(), request).map(({ file }) => file);

test('everything that is stored is fetched by default, engines with their class in front', (t) => {
  t.deepEqual(namesOf({}), [
    'ampere-model.engine',
    'model.etlt',
    'calibration.cache',
    'report.html',
    'report.json',
  ]);
  t.deepEqual(namesOf({ deviceClass: 'ampere' }), ['ampere-model.engine']);
  t.deepEqual(namesOf({ what: 'engine' }), ['ampere-model.engine']);
  t.deepEqual(namesOf({ what: 'report' }), ['report.html']);
  const [cache] = chooseArtifacts(half(), { what: 'cache' });
  t.like(cache, { content: { sha256: 'b'.repeat(64), sizeBytes: 100 } });
});

test('what is not stored is refused with the reason in status', (t) => {
  const choose = (request: ArtifactRequest) => () => chooseArtifacts(half(), request);
  refuses(
    t,
    choose({ deviceClass: 'cpu' }),
    'InputNotFound',
    /no engine of class cpu is stored \(\w+: .*\)\. See kubectl modelexport status demo -n vision/,
  );
  refuses(t, choose({ what: 'codec-etlt' }), 'InputNotFound', /no 'codec-etlt' is stored/);
  refuses(
    t,
    choose({ deviceClass: 'hopper' }),
    'Usage',
    /no device class 'hopper'\. Its classes are: ampere, cpu/,
  );
  refuses(
    t,
    choose({ deviceClass: 'cpu', what: 'cache' }),
    'Usage',
    /selects an engine, but --what is cache/,
  );
  refuses(t, () => chooseArtifacts(aModelExport(), {}), 'InputNotFound', /no artifact is stored/);
});

const plan = {
  uris: ['pvc://exports/a/model.etlt', 'pvc://exports/b'],
  image: 'ours:1',
  pullSecrets: [],
  now: 0,
};

test('the pod is restricted, mounts the claim read-only, and ends by itself', (t) => {
  const { metadata, spec } = makeReaderPod(aModelExport(), { ...plan, node: undefined }) as never as {
    readonly metadata: { readonly name: string };
    readonly spec: Readonly<Record<string, unknown>> & {
      readonly containers: readonly Readonly<Record<string, unknown>>[];
    };
  };
  t.like(metadata, { namespace: 'vision', ownerReferences: [{ kind: 'ModelExport', uid: 'uid-demo' }] });
  t.regex(metadata.name, /^demo-fetch-[0-9a-f]{8}$/);
  t.like(spec, {
    restartPolicy: 'Never',
    activeDeadlineSeconds: 3600,
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    volumes: [{ name: 'claim-0', persistentVolumeClaim: { claimName: 'exports', readOnly: true } }],
  });
  t.is(spec.containers.length, 1);
  t.like(spec.containers[0], {
    image: 'ours:1',
    volumeMounts: [{ name: 'claim-0', mountPath: '/mnt/claims/exports', readOnly: true }],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
  });
  t.is(readCommand('pvc://exports/a/model.etlt', undefined).at(-1), '/mnt/claims/exports/a/model.etlt');
});

const s3 = {
  endpoint: 'https://minio:9000',
  region: 'us-east-1',
  credentialsSecretRef: { name: 'bucket' },
  caConfigMapKeyRef: { name: 'company', key: 'ca.crt' },
  scratchSize: '1Gi',
};
const object = 's3://exports/a/model.etlt';

test('for objects, the pod mounts what the pods of the export mount, and no credential is in its arguments', (t) => {
  const owner = aModelExport({ spec: { s3, jobs: { serviceAccountName: 'reader' } } });
  const { spec } = makeReaderPod(owner, { ...plan, uris: [object], node: undefined });
  t.like(spec, { serviceAccountName: 'reader', automountServiceAccountToken: false });
  t.deepEqual(spec.volumes, [
    { name: 's3-credentials', secret: { secretName: 'bucket', defaultMode: 0o440 } },
    { name: 's3-authority', configMap: { name: 'company', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  ]);
  const { settings } = makeS3Reading(s3);
  t.deepEqual(readCommand(object, settings), [
    'node',
    '/app/dist/send-object.js',
    object,
    '--task',
    JSON.stringify({ s3: settings }),
  ]);
  t.deepEqual(settings, {
    endpoint: 'https://minio:9000',
    region: 'us-east-1',
    pathStyle: true,
    credentials: 'Files',
    hasAuthority: true,
    scratchBytes: 0,
  });
  const both = makeReaderPod(owner, { ...plan, uris: [object, ...plan.uris], node: undefined }).spec;
  t.deepEqual(
    (both.volumes as readonly { readonly name: string }[]).map(({ name }) => name),
    ['claim-0', 's3-credentials', 's3-authority'],
  );
  refuses(
    t,
    () => makeReaderPod(aModelExport(), { ...plan, uris: [object], node: undefined }),
    'Usage',
    /spec\.s3 is not set any more.*tlt-model fetch s3:\/\/exports\/a\/model\.etlt -o PATH/,
  );
});

/** Reads an object through a pod that runs at once, and whose command fails like this. */
const readThrough = async (exitCode: number, says: string): Promise<unknown> => {
  const state = { phase: 'Running', containerStatuses: [{ state: { running: {} } }] };
  const client = {
    create: async () => ({}),
    remove: async () => ({}),
    read: async () => ({ status: state }),
  };
  const exec = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('half');
    throw new CommandFailed(exitCode, says);
  };
  const { signal } = new AbortController();
  const context = { client, signal, exec, clock: systemClock, notify: () => {}, s3: undefined };
  const pod = makeReaderPod(aModelExport({ spec: { s3 } }), { ...plan, uris: [object], node: undefined });
  const reading = withStoredReader(pod, context as never, async (read) => {
    for await (const part of read(object)) part.at(0);
  });
  return reading.catch((thrown: unknown) => thrown);
};

test('the pod says why it cannot read an object, and an image without the program is named', async (t) => {
  const cases = [
    [
      failures.StorageDenied.exitCode,
      'slow\nReading it: access is denied. Allow it.',
      'StorageDenied',
      /^Reading it: access is denied/,
    ],
    [
      failures.InputNotFound.exitCode,
      'Reading it: it does not exist.',
      'InputNotFound',
      /modelexport verify creates missing/,
    ],
    [
      1,
      "Error: Cannot find module '/app/dist/send-object.js'",
      'Usage',
      /Pass the image of this release.*by --image/,
    ],
    [137, 'killed', 'StorageUnavailable', /Run the command again/],
  ] as const;
  for (const [exitCode, says, reason, message] of cases) {
    const thrown = await readThrough(exitCode, says);
    t.true(thrown instanceof UserError, String(thrown));
    t.is((thrown as UserError).reason, reason);
    t.regex((thrown as UserError).message, message);
  }
});

test('the pod has the ids and the placement of the export, or is bound to a node', (t) => {
  const placement = { nodeSelector: { pool: 'storage' } };
  const owner = aModelExport({
    spec: { jobs: { export: { placement }, podSecurity: { runAsUser: 7, fsGroup: 8 } } },
  });
  t.like(makeReaderPod(owner, { ...plan, node: undefined }).spec, {
    ...placement,
    securityContext: { runAsUser: 7, runAsGroup: 8, fsGroup: 8 },
  });
  const pinned = makeReaderPod(owner, { ...plan, node: 'gpu-1' }).spec;
  t.is(pinned.nodeSelector, undefined);
  t.regex(JSON.stringify(pinned.affinity), /"metadata.name","operator":"In","values":\["gpu-1"\]/);
  t.deepEqual(pinned.tolerations, [{ operator: 'Exists' }]);
});

const withContainers = (spec: object) => ({ spec: { template: { spec } } });

test('the image is that of the flag, of the worker in a Job, or of the operator', (t) => {
  const job = withContainers({
    initContainers: [{ image: 'ours:2', command: ['node', '/app/dist/worker.js', 'install'] }],
    containers: [{ image: 'codec:1', command: ['/opt/tlt-worker/node'] }],
    imagePullSecrets: [{ name: 'registry' }],
  });
  const deployment = withContainers({ containers: [{ image: 'ours:3' }] });
  const pullSecrets = [{ name: 'registry' }];
  t.deepEqual(chooseImage({ flag: undefined, jobs: [job], deployments: [deployment] }), {
    image: 'ours:2',
    pullSecrets,
  });
  t.deepEqual(chooseImage({ flag: 'mine:1', jobs: [job], deployments: [] }), {
    image: 'mine:1',
    pullSecrets,
  });
  t.is(chooseImage({ flag: undefined, jobs: [], deployments: [deployment] }).image, 'ours:3');
  refuses(
    t,
    () => chooseImage({ flag: undefined, jobs: [], deployments: [] }),
    'Usage',
    /Pass the image of the operator by --image/,
  );
});

const aClaim = (...accessModes: readonly string[]) => ({
  metadata: { name: 'exports' },
  spec: { accessModes },
});
const aUser = (phase: string) => ({
  spec: { nodeName: 'gpu-1', volumes: [{ persistentVolumeClaim: { claimName: 'exports' } }] },
  status: { phase },
});

test('the pod follows a claim that only one node can mount', (t) => {
  t.is(chooseNode([aClaim('ReadWriteOnce')], [aUser('Running')]), 'gpu-1');
  t.is(chooseNode([aClaim('ReadWriteOnce')], [aUser('Succeeded')]), undefined);
  t.is(chooseNode([aClaim('ReadWriteOnce', 'ReadOnlyMany')], [aUser('Running')]), undefined);
  t.is(chooseNode([], [aUser('Running')]), undefined);
  refuses(
    t,
    () => chooseNode([aClaim('ReadWriteOncePod')], [aUser('Running')]),
    'StorageUnavailable',
    /another pod has mounted it/,
  );
});

const aPod = (status: object) =>
  ({ metadata: { name: 'p', namespace: 'vision', uid: 'u' }, status }) as never;
const inState = (state: object) => aPod({ phase: 'Pending', containerStatuses: [{ name: 'fetch', state }] });

test('a pod that cannot start is distinguished from one that waits', (t) => {
  t.deepEqual(stateOfReader(inState({ running: {} })), { kind: 'Running' });
  t.deepEqual(stateOfReader(aPod({})), { kind: 'Waiting', why: 'Pending' });
  t.like(stateOfReader(inState({ waiting: { reason: 'ContainerCreating' } })), { kind: 'Waiting' });
  t.deepEqual(stateOfReader(inState({ waiting: { reason: 'ImagePullBackOff', message: 'no such tag' } })), {
    kind: 'Failed',
    why: 'ImagePullBackOff: no such tag',
  });
  t.like(stateOfReader(inState({ terminated: { exitCode: 1, reason: 'Error' } })), { kind: 'Failed' });
  const unschedulable = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message: '0/3 nodes',
  };
  t.deepEqual(stateOfReader(aPod({ conditions: [unschedulable] })), {
    kind: 'Waiting',
    why: 'Unschedulable: 0/3 nodes',
  });
});

/** Files of a claim by their URIs. */
const readerOf = (contents: Readonly<Record<string, string>>) =>
  async function* (uri: string) {
    const content = contents[uri];
    if (content === undefined) throw new UserError('InputNotFound', `${uri} does not exist`);
    for (const character of content) yield Buffer.from(character);
  };

const aFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tlt-saved-'));
  return {
    place: (uri: string, content?: string): TargetFile => ({
      uri,
      file: uri.slice(uri.lastIndexOf('/') + 1),
      path: join(folder, uri.slice(uri.lastIndexOf('/') + 1)),
      ...(content !== undefined && { content: { sha256: sha256(content), sizeBytes: content.length } }),
    }),
    folder,
    names: () => readdirSync(folder).sort(),
    read: (name: string) => readFileSync(join(folder, name), 'utf8'),
  };
};

test('files are saved with the content of status or of the manifest, and progress adds up', async (t) => {
  const { place, names, read } = aFolder();
  const { kind, etlt } = anExported();
  const files = {
    'report.html': { sha256: sha256('<p>'), sizeBytes: 3 },
    [etlt.file]: { sha256: etlt.sha256, sizeBytes: etlt.sizeBytes },
  };
  const manifest = {
    formatVersion: 1,
    key: 'k',
    inputs: {},
    files,
    result: { kind, etlt, reused: false },
    notes: [],
  };
  const reader = readerOf({
    'pvc://c/k/model.etlt': 'sealed',
    'pvc://c/k/report.html': '<p>',
    'pvc://c/k/manifest.json': 'damaged',
    'pvc://c/k/manifest-2.json': JSON.stringify(manifest),
  });
  const seen: unknown[] = [];
  await saveFiles(
    [place('pvc://c/k/model.etlt', 'sealed'), place('pvc://c/k/report.html')],
    reader,
    (...update) => seen.push(update),
  );
  t.deepEqual(names(), ['model.etlt', 'report.html']);
  t.is(read('report.html'), '<p>');
  t.deepEqual(seen.at(5), [6, 6, 'model.etlt']);
  t.deepEqual(seen.at(-1), [3, 3, 'report.html']);
});

test('one wrong file leaves none, and an existing file is kept if it is the same', async (t) => {
  const { place, names, folder, read } = aFolder();
  const reader = readerOf({
    'pvc://c/a': 'right',
    'pvc://c/b': 'wrong',
    'pvc://c/long': 'longer than listed',
  });
  const save = (...files: readonly TargetFile[]) => saveFiles(files, reader, () => {});
  const fails = async (files: readonly TargetFile[], reason: FailureReason, message: RegExp) => {
    const error = await t.throwsAsync(save(...files), { instanceOf: UserError, message });
    t.is(error!.reason, reason);
  };
  await fails(
    [place('pvc://c/a', 'right'), place('pvc://c/b', 'Wrong')],
    'DigestMismatch',
    /pvc:\/\/c\/b: its sha256 is/,
  );
  await fails([place('pvc://c/long', 'longer')], 'DigestMismatch', /it has more bytes/);
  t.deepEqual(names(), []);
  await save(place('pvc://c/a', 'right'));
  const noFile = readerOf({});
  await saveFiles([place('pvc://c/a', 'right')], noFile, () => {});
  writeFileSync(join(folder, 'b'), 'mine');
  await fails([place('pvc://c/b', 'wrong')], 'OutputExists', /already exists/);
  t.is(read('b'), 'mine');
});
