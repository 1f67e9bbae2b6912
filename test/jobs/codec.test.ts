/** The export pod of a ModelExport with a codec: which image runs what, and which container has the key. */
import test from 'ava';
import { containerSecurityContext } from '../../src/cluster/api/container-security.ts';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { makeEngineJob } from '../../src/cluster/jobs/engine-job.ts';
import { makeExportJob } from '../../src/cluster/jobs/export-job.ts';
import { mounts } from '../../src/ground/contract/layout.ts';
import { aDeviceClass, aModelExport, someArtifacts } from '../builders/objects.ts';

const images = { worker: 'worker:dev', rtx: 'rtx:dev' };
const codec = { image: 'codec@sha256:1', command: ['python3', 'codec.py'] };

type Container = {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly env?: readonly object[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: object;
};
type PodSpec = {
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly emptyDir?: object }[];
};

const podOf = (spec: Partial<ModelExport['spec']>): PodSpec =>
  (makeExportJob(aModelExport({ spec }), images).spec.template as { readonly spec: PodSpec }).spec;

test('our worker is installed into the image of the codec, with its own Node.js', (t) => {
  const { initContainers, containers, volumes } = podOf({ codec });
  const [install, ...more] = initContainers!;
  t.like(install, { name: 'install', image: 'worker:dev' });
  t.deepEqual(install!.command, ['node', '/app/dist/worker.js', 'install', '--task', '{}']);
  t.is(more.length, 0);
  const [container] = containers;
  t.is(container!.image, codec.image);
  t.deepEqual(container!.command.slice(0, 4), [
    `${mounts.worker}/node`,
    '--max-semi-space-size=1',
    `${mounts.worker}/app/dist/worker.js`,
    'export',
  ]);
  t.deepEqual(container!.env, [{ name: 'MALLOC_ARENA_MAX', value: '1' }]);
  t.deepEqual(JSON.parse(container!.command.at(-1)!).codec, { command: codec.command });
  t.deepEqual(volumes.find(({ name }) => name === 'worker')!.emptyDir, { sizeLimit: '1Gi' });
  for (const each of [install!, container!]) {
    t.deepEqual(each.securityContext, containerSecurityContext);
    t.true(each.volumeMounts.some(({ mountPath }) => mountPath === mounts.worker));
  }
});

test('the key is mounted in the container of the codec, not in the one that installs the worker', (t) => {
  const { initContainers, containers } = podOf({ codec });
  const mountedIn = ({ volumeMounts }: Container) => volumeMounts.map(({ name }) => name);
  t.deepEqual(mountedIn(initContainers![0]!), ['worker']);
  t.true(mountedIn(containers[0]!).includes('key'));
});

test('without a codec the pod has one container with our image', (t) => {
  const { initContainers, containers, volumes } = podOf({});
  t.is(initContainers, undefined);
  t.like(containers, [{ image: 'worker:dev', command: ['node', '/app/dist/worker.js', 'export'] }]);
  t.false(volumes.some(({ name }) => name === 'worker'));
});

test('engine pods do not use the codec: they read the .etlt that age encrypted', (t) => {
  const plan = {
    deviceClass: aDeviceClass('cpu'),
    exported: someArtifacts(),
    images,
  };
  const withCodec = makeEngineJob({ ...plan, owner: aModelExport({ spec: { codec } }) });
  t.deepEqual(withCodec, makeEngineJob({ ...plan, owner: aModelExport() }));
});
