/** The status of each of our kinds on a real apiserver: it has one writer, and is replaced as a whole. */
import test from 'ava';
import { type Kind, kinds, resourceOf } from '../../src/cluster/api/group.ts';
import type { KubeObject } from '../../src/cluster/runtime/resources.ts';
import { type StatusOwner, writeStatus } from '../../src/cluster/runtime/write-status.ts';
import { aClientOf } from '../builders/client.ts';
import { aSpec } from '../builders/objects.ts';
import { type ControlPlane, startControlPlane } from '../cluster/control-plane.ts';
import { installCrds } from '../cluster/crds.ts';

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
      readonly managedFields: readonly { readonly subresource?: string; readonly operation: string }[];
    };
  };

for (const kind of Object.keys(kinds) as Kind[])
  test(`${kind}: a field that status no longer has is removed, and status has one owner`, async (t) => {
    const client = aClientOf(plane.kubeconfig);
    const resource = resourceOf(kind);
    const at = { ...(kind !== 'ExportDeviceClass' && { namespace: 'default' }), name: 'one' };
    const object = {
      apiVersion: 'export.tlt.dev/v1beta1',
      kind,
      metadata: { name: 'one' },
      spec: specs[kind],
    };
    await plane.kubectl(['apply', '-f', '-'], JSON.stringify(object));
    const read = async () => (await client.read(resource, at, signal)) as Stored;
    const created = await read();
    const status = { observedGeneration: 1 };
    await writeStatus(client, { resource, owner: created, status: { ...status, ...optional[kind] } }, signal);
    const full = await read();
    t.like(full.status, optional[kind]);
    await writeStatus(client, { resource, owner: full, status }, signal);
    const reduced = await read();
    t.deepEqual(reduced.status, status);
    t.deepEqual([reduced.spec, reduced.metadata.generation], [created.spec, created.metadata.generation]);
    const owners = reduced.metadata.managedFields.filter(({ subresource }) => subresource === 'status');
    t.deepEqual(
      owners.map(({ operation }) => operation),
      ['Update'],
    );
    await t.throwsAsync(writeStatus(client, { resource, owner: full, status: optional[kind] }, signal), {
      message: /409/,
    });
  });
