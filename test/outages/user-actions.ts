/** What users do while faults last: exports are created, changed, suspended, deleted; some of them cannot succeed. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelExport } from '../../src/cluster/api/model-export.ts';
import { modelExportResource } from '../../src/cluster/modelexport/caches.ts';
import { isStatus } from '../../src/cluster/runtime/api-error.ts';
import type { KubeClient } from '../../src/cluster/runtime/client.ts';
import { aSpec } from '../builders/objects.ts';

/** The last part of an export's name says what happens to it. */
export const roles = ['plain', 'paused', 'changed', 'suspended', 'deleted', 'broken'] as const;
export type Role = (typeof roles)[number];

export const roleOf = (name: string): Role => name.slice(name.lastIndexOf('-') + 1) as Role;

export type User = { readonly client: KubeClient; readonly namespace: string; readonly signal: AbortSignal };

/** A user repeats a request that the apiserver could not answer. */
const retryUntilDone = async (
  request: () => Promise<unknown>,
  done: number,
  signal: AbortSignal,
): Promise<void> => {
  for (;;) {
    signal.throwIfAborted();
    try {
      await request();
      return;
    } catch (thrown) {
      if (isStatus(thrown, done)) return;
      await sleep(300);
    }
  }
};

/** Resolves when the user has done everything. */
export const actAsUser = async (name: string, { client, namespace, signal }: User): Promise<void> => {
  const at = { namespace, name };
  const object = {
    apiVersion: 'export.tlt.dev/v1beta1',
    kind: 'ModelExport',
    metadata: { name },
    spec: aSpec(),
  };
  const create = () => client.create(modelExportResource, { namespace }, object, signal);
  const change = (spec: Partial<ModelExport['spec']>) =>
    retryUntilDone(() => client.mergePatch(modelExportResource, at, { spec }, signal), 404, signal);
  await retryUntilDone(create, 409, signal);
  await sleep(300);
  switch (roleOf(name)) {
    case 'paused':
      await change({ suspend: true });
      await sleep(1000);
      return change({ suspend: false });
    case 'changed':
      return change({ maxBatchSize: 4 });
    case 'suspended':
      return change({ suspend: true });
    case 'deleted':
      return retryUntilDone(() => client.remove(modelExportResource, at, signal), 404, signal);
    default:
  }
};
