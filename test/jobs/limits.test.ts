/** Every container of every Job has limits, every scratch volume has a size limit, and plaintext stays in memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makeEngineJob } from '../../src/cluster/jobs/engine-job.ts';
import { makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import type { JobDraft } from '../../src/cluster/jobs/job.ts';
import { completeResources, type Role } from '../../src/cluster/jobs/resources.ts';
import { makeTensorfileJob } from '../../src/cluster/jobs/tensorfile-job.ts';
import { parseByteQuantity, parseQuantity } from '../../src/ground/base/quantity.ts';
import { mounts } from '../../src/ground/contract/layout.ts';
import { aDeviceClass, aModelExport, aTensorfile, someArtifacts } from '../builders/objects.ts';

type Amounts = Readonly<Record<string, string | number>>;
type Container = {
  readonly name: string;
  readonly resources: { readonly requests: Amounts; readonly limits: Amounts };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
};
type Volume = {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string };
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
};
type Pod = {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly Volume[];
};

const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
const codec = { image: `codec@sha256:${'a'.repeat(64)}`, command: ['codec'] };
type Spec = NonNullable<Parameters<typeof aModelExport>[0]>['spec'];

const podOf = ({ spec }: JobDraft): Pod => (spec.template as { readonly spec: Pod }).spec;
const enginePod = (spec: Spec = {}, deviceClass = aDeviceClass('ampere')) =>
  podOf(
    makeEngineJob({
      owner: aModelExport({ spec: spec! }),
      deviceClass,
      exported: someArtifacts(),
      images,
    }),
  );
const exportPod = (spec: Spec = {}) => podOf(makeExportJob(aModelExport({ spec: spec! }), images));
const tensorfilePod = () => podOf(makeTensorfileJob(aTensorfile(), images));
const containersOf = ({ initContainers = [], containers }: Pod) => [...initContainers, ...containers];

const pods = {
  export: exportPod(),
  'export with a codec': exportPod({ codec }),
  engine: enginePod(),
  'engine on a CPU': enginePod({}, aDeviceClass('cpu')),
  tensorfile: tensorfilePod(),
};

for (const [name, pod] of Object.entries(pods))
  test(`each container has limits and each scratch volume has a size limit: ${name}`, (t) => {
    for (const { name: container, resources } of containersOf(pod))
      for (const resource of ['cpu', 'memory', 'ephemeral-storage']) {
        const [request, limit] = [resources.requests[resource], resources.limits[resource]];
        t.truthy(request && limit, `${container}: ${resource}`);
        t.true(parseQuantity(request!) <= parseQuantity(limit!), `${container}: ${resource}`);
      }
    for (const { name: volume, emptyDir } of pod.volumes) if (emptyDir) t.truthy(emptyDir.sizeLimit, volume);
  });

test('pods fit on a node that does not account for its disk', (t) => {
  for (const pod of Object.values(pods))
    for (const { resources } of containersOf(pod)) t.is(resources.requests['ephemeral-storage'], '0');
});

const inMemory = ({ volumes }: Pod) =>
  volumes.filter(({ emptyDir }) => emptyDir?.medium === 'Memory').map(({ name }) => name);

test('neither a decrypted model nor anything derived from it reaches the disk of a node', (t) => {
  t.deepEqual(inMemory(pods.engine).sort(), ['build-temporary', 'built', 'temporary', 'work']);
  t.deepEqual(inMemory(pods['export with a codec']), ['temporary']);
  const onDisk = pods['export with a codec'].volumes.filter(
    ({ emptyDir }) => emptyDir && emptyDir.medium === undefined,
  );
  t.deepEqual(
    onDisk.map(({ name }) => name),
    ['worker'],
  );
});

test('volumes in memory and programs together fit into the limits of their containers', (t) => {
  const limitOf = (name: string) =>
    parseByteQuantity(
      containersOf(pods.engine).find((container) => container.name === name)!.resources.limits.memory!,
    );
  const sizeOf = (name: string) =>
    parseByteQuantity(pods.engine.volumes.find((volume) => volume.name === name)!.emptyDir!.sizeLimit!);
  t.true(sizeOf('work') + sizeOf('temporary') < limitOf('stage'));
  t.true(sizeOf('work') + sizeOf('built') + sizeOf('build-temporary') < limitOf('build'));
});

const access = (pod: Pod, container: string) => {
  const { volumeMounts } = containersOf(pod).find(({ name }) => name === container)!;
  return Object.fromEntries(
    volumeMounts.map(({ mountPath, readOnly }) => [mountPath, readOnly ? 'read' : 'write']),
  );
};

test('build has neither key nor claims, and writes only to the folder that publish reads', (t) => {
  t.deepEqual(access(pods.engine, 'build'), {
    [mounts.work]: 'read',
    [mounts.built]: 'write',
    [mounts.temporary]: 'write',
  });
});

test('publish mounts the files of stage and build read-only, and has no key', (t) => {
  t.deepEqual(access(pods.engine, 'publish'), {
    [`${mounts.claims}/exports`]: 'write',
    [mounts.work]: 'read',
    [mounts.built]: 'read',
    [mounts.temporary]: 'write',
  });
});

test('build has a temporary folder of its own', (t) => {
  const nameAt = (container: string) =>
    containersOf(pods.engine)
      .find(({ name }) => name === container)!
      .volumeMounts.find(({ mountPath }) => mountPath === mounts.temporary)!.name;
  t.not(nameAt('build'), nameAt('publish'));
});

test('claims whose names differ only by a dot, or only after 57 characters, get different volumes', (t) => {
  const long = 'c'.repeat(56);
  const claims = ['a.b', 'a-b', `${long}-one`, `${long}-two`];
  const [model, images_, output, spec] = claims.map((claim) => ({ uri: `pvc://${claim}/x` }));
  const calibration = { ...aModelExport().spec.calibration!, imageDirectory: images_! };
  const pod = exportPod({ model: model!, calibration, output: output!, experimentSpec: spec! });
  const mounted = pod.volumes.filter(({ persistentVolumeClaim }) => persistentVolumeClaim);
  t.deepEqual(
    mounted.map(({ persistentVolumeClaim }) => persistentVolumeClaim!.claimName).sort(),
    [...claims].sort(),
  );
  const names = mounted.map(({ name }) => name);
  t.is(new Set(names).size, 4);
  for (const name of names) t.regex(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
});

test('a claim that is only read is read-only at its source', (t) => {
  const claims = pods.export.volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim ?? []);
  t.deepEqual(claims, [{ claimName: 'exports' }, { claimName: 'models', readOnly: true }]);
});

test('requested resources replace defaults, and a default never contradicts them', (t) => {
  t.like(completeResources('export', { limits: { memory: '16Gi' } }), {
    requests: { memory: '512Mi' },
    limits: { memory: '16Gi', cpu: '8' },
  });
  t.is(completeResources('export', { limits: { memory: '256Mi' } }).requests.memory, '256Mi');
  t.is(completeResources('export', { requests: { memory: '12Gi' } }).limits.memory, '12Gi');
  t.is(completeResources('export', { requests: { cpu: 16 } }).limits.cpu, 16);
  t.is(completeResources('build', { limits: { 'nvidia.com/gpu': 1 } }).limits['nvidia.com/gpu'], 1);
});

test('docs/security.md lists the defaults', (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/security.md'), 'utf8');
  const rows = { export: '`export`', tensorfile: '`tensorfile`', build: '`build`' } as const;
  for (const [role, name] of [
    ...Object.entries(rows),
    ['helper', '`stage`, `publish`, `install` (helpers)'],
  ]) {
    const { limits } = completeResources(role as Role);
    const row = `| ${name} | ${limits.cpu} | ${limits.memory} | ${limits['ephemeral-storage']} |`;
    t.true(page.includes(row), row);
  }
});

test('the sizes of volumes follow the limits of the spec', (t) => {
  const spec = { jobs: { helpers: { resources: { limits: { memory: '8Gi' } } } } };
  t.is(enginePod(spec).volumes.find(({ name }) => name === 'work')!.emptyDir!.sizeLimit, '4096Mi');
});
