/** The one way in which a status is written, whatever the kind: whole, by server-side apply. */
import type { KubeClient } from './client.ts';
import type { Resource } from './resources.ts';

export type StatusOwner = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
  };
};

export type StatusWrite = {
  readonly resource: Resource;
  readonly owner: StatusOwner;
  readonly status: object;
};

/** The resourceVersion makes a decision from an outdated cache a conflict, which is retried quietly. */
export const writeStatus = async (
  client: KubeClient,
  { resource, owner, status }: StatusWrite,
  signal: AbortSignal,
): Promise<void> => {
  const { apiVersion, kind } = owner;
  const { name, namespace, resourceVersion } = owner.metadata;
  const metadata = { name, ...(namespace !== undefined && { namespace }), resourceVersion };
  const body = { apiVersion, kind, metadata, status };
  await client.apply(resource, { namespace, name, subresource: 'status' }, body, signal);
};
