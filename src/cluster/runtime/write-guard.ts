/**
 * Only the leader may write: the client of every writer, which rejects all writes once another process may hold the
 * lease.
 */
import type { KubeClient } from './client.ts';

/** Thrown instead of a write that the lease no longer covers. The new leader reconciles the object. */
export class NotLeading extends Error {
  override readonly name = 'NotLeading';
}

/**
 * The same client, with writes that check `mayWrite` first.
 * @throws NotLeading instead of writing, if `mayWrite` returns false
 */
export const guardWrites = (client: KubeClient, mayWrite: () => boolean): KubeClient => {
  const check = () => {
    if (!mayWrite()) throw new NotLeading('lost the leader lease; refusing to write');
  };
  return {
    read: client.read,
    list: client.list,
    stream: client.stream,
    review: client.review,
    create: async (...request) => {
      check();
      return client.create(...request);
    },
    mergePatch: async (...request) => {
      check();
      return client.mergePatch(...request);
    },
    replace: async (...request) => {
      check();
      return client.replace(...request);
    },
    remove: async (...request) => {
      check();
      return client.remove(...request);
    },
  };
};
