/** The one client of all writers: refuses every write as soon as another process may lead. */
import type { KubeClient } from './client.ts';

/** Thrown in place of a write that the lease no longer covers; the process that leads now will do it. */
export class NotLeading extends Error {
  override readonly name = 'NotLeading';
}

export const guardWrites = (client: KubeClient, mayWrite: () => boolean): KubeClient => {
  const check = () => {
    if (!mayWrite()) throw new NotLeading('the lease is not held any more: nothing is written');
  };
  return {
    read: client.read,
    list: client.list,
    watch: client.watch,
    create: async (...request) => {
      check();
      return client.create(...request);
    },
    apply: async (...request) => {
      check();
      return client.apply(...request);
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
