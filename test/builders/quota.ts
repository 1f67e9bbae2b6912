/** Quotas on a real control plane, where a quota limits nothing until its controller has counted the existing objects. */
import type { ControlPlane } from '../cluster/control-plane.ts';
import { eventually } from '../cluster/run.ts';

export type CountedQuota = {
  readonly namespace: string;
  readonly name: string;
  /** Resource that the quota limits, for example limits.memory. */
  readonly resource: string;
};

/** Waits until the quota controller has counted the existing objects. */
export const waitForQuota = (
  plane: ControlPlane,
  { namespace, name, resource }: CountedQuota,
): Promise<true> =>
  eventually('the quota to be counted', async () => {
    const path = 'jsonpath={.status.used}';
    const used = await plane.kubectl(['get', 'quota', name, '-n', namespace, '-o', path]);
    return used.includes(resource) ? true : undefined;
  });
