/**
 * Writes the status of any kind as a whole. All status writes of the operator go through here. The status has one writer, so it
 * is replaced: server-side apply, which merges the fields of several writers, takes the apiserver longer (docs/benchmarks.md).
 */
import type { KubeClient } from './client.ts';
import type { Resource } from './resources.ts';

/** The object whose status is written. */
export type StatusOwner = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
  };
};

/** One status write. */
export type StatusWrite = {
  readonly resource: Resource;
  readonly owner: StatusOwner;
  readonly status: object;
};

/**
 * Writes a status. The resourceVersion turns a decision from an outdated cache into a conflict, which the controller
 * retries without logging an error.
 * @throws ApiError 409 if the object changed since it was cached
 */
export const writeStatus = async (
  client: KubeClient,
  { resource, owner, status }: StatusWrite,
  signal: AbortSignal,
): Promise<void> => {
  const { apiVersion, kind } = owner;
  const { name, namespace, resourceVersion } = owner.metadata;
  const metadata = { name, ...(namespace !== undefined && { namespace }), resourceVersion };
  const body = { apiVersion, kind, metadata, status };
  await client.replace(resource, { namespace, name, subresource: 'status' }, body, signal);
};
