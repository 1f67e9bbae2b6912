/** The status of each of our kinds on a real apiserver: it has one writer, and is replaced as a whole. */
import test from 'ava';
import { modelExportCrd } from '../../src/cluster/api/crd.ts';
import { type Kind, kinds, resourceOf } from '../../src/cluster/api/group.ts';
import type { KubeObject } from '../../src/cluster/runtime/resources.ts';
import { type StatusOwner, writeStatus } from '../../src/cluster/runtime/write-status.ts';
import { aClientOf } from '../builders/client.ts';
import { aSpec } from '../builders/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';
import { eventually } from '../cluster/run.ts';

const { signal } = new AbortController();
let plane: ControlPlane;

test.before(async () => {
  plane = await startControlPlane();
  await installCrds(plane);
});
test.after.always(() => plane?.stop());

const specs: Readonly<Record<Kind, object>> = {
  ModelExport: aSpec(),
  ExportDeviceClass: { engine: { backend: 'OnnxRuntime' } },
  CalibrationTensorfile: {
    architecture: 'classification',
    experimentSpec: { uri: 'pvc://data/spec.cfg' },
    dataRoot: { uri: 'pvc://data/images' },
    maxBatches: 1,
    output: { uri: 'pvc://data/calibration.tensor' },
  },
};

/** An optional field of each kind's status. */
const optional: Readonly<Record<Kind, object>> = {
  ModelExport: { lastHandledRequest: 'one' },
  ExportDeviceClass: { drivers: ['580.82.07'] },
  CalibrationTensorfile: { lastHandledRequest: 'one' },
};

type Stored = KubeObject &
  StatusOwner & {
    readonly spec: object;
    readonly status?: object;
    readonly metadata: {
      readonly generation: number;
      readonly managedFields: readonly {
        readonly subresource?: string;
        readonly operation: string;
        readonly fieldsV1: object;
      }[];
    };
  };

const anObject = (kind: Kind, name: string): object => ({
  apiVersion: 'export.tlt.dev/v1beta1',
  kind,
  metadata: { name },
  spec: specs[kind],
});

const read = async (kind: Kind, name: string): Promise<Stored> => {
  const at = { ...(kind !== 'ExportDeviceClass' && { namespace: 'default' }), name };
  return (await aClientOf(plane.kubeconfig).read(resourceOf(kind), at, signal)) as Stored;
};

const write = (kind: Kind, owner: Stored, status: object): Promise<void> =>
  writeStatus(aClientOf(plane.kubeconfig), { resource: resourceOf(kind), owner, status }, signal);

const listStatusOwners = ({ metadata }: Stored) =>
  metadata.managedFields
    .filter(({ subresource }) => subresource === 'status')
    .map(({ operation, fieldsV1 }) => [operation, fieldsV1]);

const oneOwner = [['Update', { 'f:status': {} }]] as const;

/** Writes until the apiserver uses the schema that was installed last. */
const writeUntil = (status: object, holds: (written: Stored) => boolean): Promise<Stored> => {
  let enginesBuilt = 0;
  return eventually('a status by the new schema', async () => {
    const next = { ...status, enginesBuilt: ++enginesBuilt };
    await write('ModelExport', await read('ModelExport', 'old'), next);
    const written = await read('ModelExport', 'old');
    return holds(written) ? written : undefined;
  });
};

test.serial(
  'a status that was written when each of its fields had an owner is replaced as well',
  async (t) => {
    const earlier = JSON.stringify(modelExportCrd).replace('"x-kubernetes-map-type":"atomic",', '');
    await plane.kubectl(['apply', '--server-side', '-f', '-'], earlier);
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify(anObject('ModelExport', 'old')));
    const stored = await writeUntil({ observedGeneration: 1, progress: 'exporting' }, (written) =>
      JSON.stringify(listStatusOwners(written)).includes('f:progress'),
    );
    await installCrds(plane);
    const replaced = await writeUntil(
      { observedGeneration: 1 },
      (written) => !JSON.stringify(listStatusOwners(written)).includes('f:enginesBuilt'),
    );
    t.deepEqual(listStatusOwners(replaced), oneOwner);
    t.like(stored.status, { progress: 'exporting' });
    t.false('progress' in (replaced.status ?? {}));
  },
);

for (const kind of Object.keys(kinds) as Kind[])
  test(`${kind}: a field that status no longer has is removed, and status has one owner`, async (t) => {
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify(anObject(kind, 'one')));
    const created = await read(kind, 'one');
    const status = { observedGeneration: 1 };
    await write(kind, created, { ...status, ...optional[kind] });
    const full = await read(kind, 'one');
    t.like(full.status, optional[kind]);
    await write(kind, full, status);
    const reduced = await read(kind, 'one');
    t.deepEqual(reduced.status, status);
    t.deepEqual([reduced.spec, reduced.metadata.generation], [created.spec, created.metadata.generation]);
    t.deepEqual(listStatusOwners(reduced), oneOwner);
    await t.throwsAsync(write(kind, full, optional[kind]), { message: /409/ });
  });
